#!lua flags=allow-oom
-- Says that a replica lives and tells which others do, all by Redis' own clock.
--
-- KEYS  1 replicas (zset: replica -> time of its last heartbeat in ms)
-- ARGV  1 replica, or '' to only look   2 ms after which a silent replica counts as dead   3 '1' to say goodbye
-- Result the living replicas, sorted.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] == '1' then
  redis.call('ZREM', KEYS[1], ARGV[1])
elseif ARGV[1] ~= '' then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
local living = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(living)
return living
