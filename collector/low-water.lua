#!lua flags=allow-oom
-- Raises a source's low-water mark. It never falls: what a slow process says late must not take back what is below it.
--
-- KEYS  1 low-water marks (hash: source -> position)
-- ARGV  1 source   2 position
-- Result 1, or 0 when the mark was there already.

if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') >= tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
