#!lua flags=allow-oom
-- Forgets a source's former positions, unless they were added to since they were read.
--
-- KEYS  1 former positions (hash: source -> JSON)
-- ARGV  1 source   2 JSON as it was read
-- Result 1, or 0 when it is not that any more.

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
return redis.call('HDEL', KEYS[1], ARGV[1])
