#!lua flags=allow-oom
-- What becomes of a joint batch: whoever asks first decides. Allowed when Redis is full: only then can entries be trimmed.
--
-- KEYS  1 decision
-- ARGV  1 what is decided if nothing was before   2 seconds that it is kept
-- Result what was decided.

local decided = redis.call('GET', KEYS[1])
if decided then
  return decided
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
