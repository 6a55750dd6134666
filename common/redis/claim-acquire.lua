#!lua flags=allow-oom
-- Takes a free claim, or one that is ours already, under a new epoch. Claims must change hands also when Redis is full: only then can it be drained.
--
-- KEYS  1 claim   2 epoch counter
-- ARGV  1 replica   2 TTL in ms   3 the token that we hold it by, or ''
-- Result the token 'epoch:replica', or when somebody holds it the ms until it expires.

local held_ms = redis.call('PTTL', KEYS[1])
if held_ms ~= -2 and (ARGV[3] == '' or redis.call('GET', KEYS[1]) ~= ARGV[3]) then
  return held_ms
end
-- Greater than the one before, and not less than the time in ms: also of a Redis that was emptied the epochs go on growing, for those who
-- keep them elsewhere.
local time = redis.call('TIME')
local epoch = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
epoch = string.format('%.0f', math.max(epoch, time[1] * 1000 + math.floor(time[2] / 1000)))
redis.call('SET', KEYS[2], epoch)
local token = epoch .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token
