#!lua flags=allow-oom
-- Takes transactions out of a partition which are in another one now.
--
-- KEYS  1 claim   2 deadlines (zset)   3… one string per transaction
-- ARGV  1 token   2… ids of the transactions
-- Result 'ok'. Error FENCED when the claim is not the token's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another command')
end
for i = 3, #KEYS do
  redis.call('UNLINK', KEYS[i])
  redis.call('ZREM', KEYS[2], ARGV[i - 1])
end
return 'ok'
