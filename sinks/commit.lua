#!lua flags=allow-oom
-- A sink has stored a batch: moves its group behind it, forgets the manifest, keeps what the store refused and what was none of
-- ours, and books what it took. Allowed when Redis is full: only then can entries be trimmed.
--
-- KEYS  1 claim   2 manifest   3 stream   4 dead-letter stream   5… accounts (hashes)
-- ARGV  1 token   2 group   3 id of the last stored entry   4 entries read so far, or ''
--       5 bookings (common/redis/book.lua)
--       then: number of dead-letter entries, each: n, rows
-- Result 'ok'. Error FENCED when the claim is not the token's. A group that is gone is made again, and the stream with it.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
-- A script is not undone, so what somebody may have replaced by something else is looked at before anything is changed.
redis.call('XLEN', KEYS[3])
look_at_accounts(5)
local letters_at = behind_bookings(5)
local letters = tonumber(ARGV[letters_at])
if letters > 0 then
  redis.call('XLEN', KEYS[4])
end
for i = letters_at + 1, letters_at + 2 * letters, 2 do
  redis.call('XADD', KEYS[4], '*', 'v', '1', 'n', ARGV[i], 'dead_letters', ARGV[i + 1])
end
book(5)
redis.call('DEL', KEYS[2])
return move_group(KEYS[3], ARGV[2], ARGV[3], ARGV[4]) or 'ok'
