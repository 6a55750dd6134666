#!lua flags=allow-oom
-- Takes a free claim under a new epoch. Claims must change hands also when Redis is full: only then can it be drained.
--
-- KEYS  1 claim   2 epoch counter
-- ARGV  1 replica   2 TTL in ms
-- Result the token 'epoch:replica', or nil when somebody holds it.

if redis.call('EXISTS', KEYS[1]) == 1 then
  return nil
end
local token = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token
