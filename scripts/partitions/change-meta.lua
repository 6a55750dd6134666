#!lua flags=allow-oom
-- Writes down what a change of the number of partitions has come to.
--
-- KEYS  1 claim on the change   2 meta (hash)
-- ARGV  1 token   2 number of fields to set, each: name, value
--       then: names of fields to take away
-- Result 'ok'. Error FENCED when the claim is not the token's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another command')
end
local at = 3
for _ = 1, tonumber(ARGV[2]) do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  at = at + 2
end
while at <= #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[at])
  at = at + 1
end
return 'ok'
