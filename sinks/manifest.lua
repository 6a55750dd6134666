#!lua flags=allow-oom
-- Writes down a batch's bounds before the batch is written to the store.
--
-- KEYS  1 claim   2 manifest
-- ARGV  1 token   2 manifest (JSON)
-- Result 'ok'. Error FENCED when the claim is not the token's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
redis.call('SET', KEYS[2], ARGV[2])
return 'ok'
