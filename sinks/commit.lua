#!lua flags=allow-oom
-- A sink has stored a batch: moves its group behind it, forgets the manifest, keeps what the store refused and what was none of
-- ours, and books what it took. Allowed when Redis is full: only then can entries be trimmed.
--
-- KEYS  1 claim   2 manifest   3 stream   4 dead-letter stream   5… accounts (hashes)
-- ARGV  1 token   2 group   3 id of the last stored entry   4 entries read so far, or ''
--       5 number of bookings, each: place of the account in KEYS, field, count
--       then: number of dead-letter entries, each: n, rows
-- Result 'ok'. Error FENCED when the claim is not the token's. A group that is gone is made again, and the stream with it.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
-- A script is not undone, so what somebody may have replaced by something else is looked at before anything is changed.
redis.call('XLEN', KEYS[3])
local bookings_end = 6 + 3 * tonumber(ARGV[5])
for i = 6, bookings_end - 1, 3 do
  redis.call('HLEN', KEYS[tonumber(ARGV[i])])
end
local letters = tonumber(ARGV[bookings_end])
if letters > 0 then
  redis.call('XLEN', KEYS[4])
end
for i = bookings_end + 1, bookings_end + 2 * letters, 2 do
  redis.call('XADD', KEYS[4], '*', 'v', '1', 'n', ARGV[i], 'dead_letters', ARGV[i + 1])
end
for i = 6, bookings_end - 1, 3 do
  local account, field = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
  if redis.call('HLEN', account) >= 10000 and redis.call('HEXISTS', account, field) == 0 then
    field = string.match(field, '^[^\t]*\t[^\t]*\t') .. '(others)'
  end
  redis.call('HINCRBY', account, field, ARGV[i + 2])
  redis.call('EXPIRE', account, 2764800)
end
redis.call('DEL', KEYS[2])

local count = {}
if ARGV[4] ~= '' then
  count = { 'ENTRIESREAD', ARGV[4] }
end
local moved = redis.pcall('XGROUP', 'SETID', KEYS[3], ARGV[2], ARGV[3], unpack(count))
if type(moved) == 'table' and moved.err then
  if string.sub(moved.err, 1, 7) ~= 'NOGROUP' and redis.call('EXISTS', KEYS[3]) == 1 then
    return moved
  end
  -- Somebody destroyed the group, or the stream with it. Made again at the beginning, it would get everything once more; we know
  -- where it stood.
  redis.call('XGROUP', 'CREATE', KEYS[3], ARGV[2], ARGV[3], 'MKSTREAM', unpack(count))
end
return 'ok'
