#!lua flags=allow-oom
-- Adds to what is remembered of how far sources got in a partition of a former layout. What was noted before stays where it is further, so
-- that noting the same again, or late, changes nothing.
--
-- KEYS  1 former positions (hash: source -> JSON)
-- ARGV  1 name of the partition in the layout: 'N:partition'
--       then for each source: source, position
-- Result 'ok'.

for at = 2, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[at])
  local positions = known and cjson.decode(known) or {}
  if tonumber(positions[ARGV[1]] or '0') < tonumber(ARGV[at + 1]) then
    -- As texts: numbers would lose digits.
    positions[ARGV[1]] = ARGV[at + 1]
    redis.call('HSET', KEYS[1], ARGV[at], cjson.encode(positions))
  end
end
return 'ok'
