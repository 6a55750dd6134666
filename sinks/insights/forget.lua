#!lua flags=allow-oom
-- Removes fields that still have the values which were dealt with: what has changed since stays.
--
-- KEYS  1 hash
-- ARGV  pairs of field, value
-- Result how many were removed.

local gone = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    gone = gone + redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return gone
