#!lua flags=allow-oom
-- Puts transactions into the partition that they belong to from now on. Allowed when Redis is full: they leave another one.
--
-- KEYS  1 claim   2 deadlines (zset)   3… one string per transaction
-- ARGV  1 token
--       then for each transaction: id, record, when it expires in ms since 1970 or -1 for never, deadline or ''
-- Result 'ok'. Error FENCED when the claim is not the token's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another command')
end
local at = 2
for i = 3, #KEYS do
  if ARGV[at + 2] == '-1' then
    redis.call('SET', KEYS[i], ARGV[at + 1])
  else
    redis.call('SET', KEYS[i], ARGV[at + 1], 'PXAT', ARGV[at + 2])
  end
  if ARGV[at + 3] ~= '' then
    redis.call('ZADD', KEYS[2], ARGV[at + 3], ARGV[at])
  end
  at = at + 4
end
return 'ok'
