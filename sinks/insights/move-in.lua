#!lua flags=allow-oom
-- Takes in what another partition remembered of transactions that belong here now; what is known of them here stays.
--
-- KEYS  1 members (hash)
-- ARGV  pairs of transaction, member
-- Result 'ok'.

for i = 1, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 0 then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return 'ok'
