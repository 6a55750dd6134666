#!lua flags=allow-oom
-- A sink has stored a batch: moves its group behind it, forgets the manifest, keeps what the store refused. Allowed when
-- Redis is full: only then can entries be trimmed.
--
-- KEYS  1 claim   2 manifest   3 stream   4 dead-letter stream
-- ARGV  1 token   2 group   3 id of the last stored entry   4 entries read so far, or ''
--       5 number of dead-letter entries, each: n, rows
-- Result 'ok'. Error FENCED when the claim is not the token's; error NOGROUP when the stream is gone.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
-- What can fail comes first: a script is not undone.
if redis.call('EXISTS', KEYS[3]) == 0 then
  return redis.error_reply('NOGROUP the stream is gone, and the group with it')
end
local count = {}
if ARGV[4] ~= '' then
  count = { 'ENTRIESREAD', ARGV[4] }
end
local moved = redis.pcall('XGROUP', 'SETID', KEYS[3], ARGV[2], ARGV[3], unpack(count))
if type(moved) == 'table' and moved.err then
  if string.sub(moved.err, 1, 7) ~= 'NOGROUP' then
    return moved
  end
  -- Somebody destroyed the group. Made again at the stream's beginning, it would get everything once more; we know where it stood.
  redis.call('XGROUP', 'CREATE', KEYS[3], ARGV[2], ARGV[3], unpack(count))
end
for i = 1, tonumber(ARGV[5]) do
  redis.call('XADD', KEYS[4], '*', 'v', '1', 'n', ARGV[4 + 2 * i], 'dead_letters', ARGV[5 + 2 * i])
end
redis.call('DEL', KEYS[2])
return 'ok'
