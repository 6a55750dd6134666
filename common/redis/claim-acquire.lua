#!lua flags=allow-oom
-- Takes a free claim under a new epoch. Claims must change hands also when Redis is full: only then can it be drained.
--
-- KEYS  1 claim   2 epoch counter
-- ARGV  1 replica   2 TTL in ms
-- Result the token 'epoch:replica', or when somebody holds it the ms until it expires.

local held_ms = redis.call('PTTL', KEYS[1])
if held_ms ~= -2 then
  return held_ms
end
local token = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token
