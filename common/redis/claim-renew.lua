#!lua flags=allow-oom
-- KEYS  1 claim
-- ARGV  1 token   2 TTL in ms
-- Result 1, or 0 when the claim is not ours any more.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
