#!lua flags=allow-oom
-- Tells a partition's append for which number of partitions logs are taken, or that none are. Allowed when Redis is full: a change
-- that has begun must come to its end.
--
-- KEYS  1 guard
-- ARGV  1 its value
-- Result 'ok'.

redis.call('SET', KEYS[1], ARGV[1])
return 'ok'
