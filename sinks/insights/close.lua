#!lua flags=allow-oom
-- Closes windows in a partition: nothing that comes later changes their numbers. Forgets windows that were closed so long ago that nobody asks any more.
--
-- KEYS  1 the lane (hash)   2 closed windows (zset)
-- ARGV  1 fence of whoever puts partitions together   2 end in ms before which closed windows are forgotten   3… pairs of start, end in ms
-- Result 'ok'. Error FENCED when somebody else does that now.

if tonumber(ARGV[1]) < tonumber(redis.call('HGET', KEYS[1], 'closer') or '0') then
  return redis.error_reply('FENCED another replica puts partitions together')
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[2])
for i = 3, #ARGV, 2 do
  redis.call('ZADD', KEYS[2], ARGV[i + 1], ARGV[i])
end
redis.call('HSET', KEYS[1], 'closer', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'version', '1')
return 'ok'
