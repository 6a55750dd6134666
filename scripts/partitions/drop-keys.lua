#!lua flags=allow-oom
-- Takes away keys of a partition that belong to a former layout.
--
-- KEYS  1 claim   2… what is to go
-- ARGV  1 token
-- Result 'ok'. Error FENCED when the claim is not the token's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another command')
end
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
return 'ok'
