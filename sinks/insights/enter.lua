#!lua flags=allow-oom
-- From now on this replica puts partitions together, and none that did before.
--
-- KEYS  1 state of the insights (hash)
-- ARGV  1 fence
-- Result the last revision that was published. Error FENCED when a later one has come already.

if tonumber(ARGV[1]) < tonumber(redis.call('HGET', KEYS[1], 'fence') or '0') then
  return redis.error_reply('FENCED another replica puts partitions together')
end
redis.call('HSET', KEYS[1], 'fence', ARGV[1])
return redis.call('HGET', KEYS[1], 'revision') or '0'
