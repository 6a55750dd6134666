#!lua flags=allow-oom
-- Records by what definition an insight is counted from now on.
--
-- KEYS  1 state of the insights (hash)
-- ARGV  1 field   2 hash of the definition   3 generation that begins if it is another than before
-- Result the generation that is in force; where it is not the third argument, and the definition another, that was no later than the one before.

local before = redis.call('HGET', KEYS[1], ARGV[1])
if before then
  local generation, hash = string.match(before, '^(%S+) (%S+)$')
  if hash == ARGV[2] or generation >= ARGV[3] then
    return { generation, hash }
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. ARGV[2])
return { ARGV[3], ARGV[2] }
