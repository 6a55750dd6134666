#!lua flags=allow-oom
-- Tells a partition by which generations insights are counted from now on; none that is later is changed.
--
-- KEYS  1 the lane (hash)
-- ARGV  1 number of partitions by which transactions lie, or '' while they are being moved   2… pairs of field, generation
-- Result 'ok'.

if ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'layout') ~= ARGV[1] then
  redis.call('HSET', KEYS[1], 'layout', ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'version', '1')
end
for i = 2, #ARGV, 2 do
  local before = redis.call('HGET', KEYS[1], ARGV[i])
  if not before or before < ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    redis.call('HINCRBY', KEYS[1], 'version', '1')
  end
end
return 'ok'
