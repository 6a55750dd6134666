#!lua flags=allow-oom
-- A sink has stored a batch: moves its group behind it, forgets the manifest, keeps what the store refused. Allowed when
-- Redis is full: only then can entries be trimmed.
--
-- KEYS  1 claim   2 manifest   3 stream   4 dead-letter stream
-- ARGV  1 token   2 group   3 id of the last stored entry   4 entries read so far, or ''
--       5 number of dead-letter entries, each: n, rows
-- Result 'ok'. Error FENCED when the claim is not the token's; error NOGROUP when the group is gone.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
-- First, since it is the only one that can fail: a script is not undone.
if ARGV[4] ~= '' then
  redis.call('XGROUP', 'SETID', KEYS[3], ARGV[2], ARGV[3], 'ENTRIESREAD', ARGV[4])
else
  redis.call('XGROUP', 'SETID', KEYS[3], ARGV[2], ARGV[3])
end
for i = 1, tonumber(ARGV[5]) do
  redis.call('XADD', KEYS[4], '*', 'v', '1', 'n', ARGV[4 + 2 * i], 'dead_letters', ARGV[5 + 2 * i])
end
redis.call('DEL', KEYS[2])
return 'ok'
