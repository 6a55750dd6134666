#!lua flags=allow-oom
-- What a batch changes in a partition's insights, all or nothing.
-- Allowed when Redis is full: only then can entries be trimmed.
--
-- KEYS  1 the lane (hash)   2… hashes
-- ARGV  1 fence   2 token   3 version that the changes were computed from   4 time up to which is counted, in ms
--       then for each hash: its place in KEYS, number of fields to set, number of fields to remove, fields with their values, fields
-- Result 'ok'; 'done' when this batch has been counted before; 'stale' when somebody has changed something since it was read. In both cases
-- nothing is changed. Error FENCED when the lane is somebody else's now.

local lane = KEYS[1]
local fence = tonumber(redis.call('HGET', lane, 'fence') or '0')
if tonumber(ARGV[1]) < fence then
  return redis.error_reply('FENCED the lane belongs to another replica')
end
if redis.call('HGET', lane, 'token') == ARGV[2] then
  return 'done'
end
if (redis.call('HGET', lane, 'version') or '0') ~= ARGV[3] then
  return 'stale'
end
-- A script is not undone, so what somebody may have replaced by something else is looked at before anything is changed.
for i = 2, #KEYS do
  redis.call('HLEN', KEYS[i])
end
local at = 5
while at <= #ARGV do
  local key, sets, gone = KEYS[tonumber(ARGV[at])], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  for i = at, at + 2 * sets - 1, 400 do
    redis.call('HSET', key, unpack(ARGV, i, math.min(i + 399, at + 2 * sets - 1)))
  end
  at = at + 2 * sets
  for i = at, at + gone - 1, 400 do
    redis.call('HDEL', key, unpack(ARGV, i, math.min(i + 399, at + gone - 1)))
  end
  at = at + gone
end
redis.call('HSET', lane, 'fence', ARGV[1], 'token', ARGV[2], 'version', ARGV[3] + 1, 'counted', ARGV[4])
return 'ok'
