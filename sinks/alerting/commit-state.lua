#!lua flags=allow-oom
-- Buckets were evaluated: new states, and what is to be told of them, at once. Allowed when Redis is full: that is when people must hear of it.
--
-- KEYS  1 state   2 outbox
-- ARGV  1 fence   2 length of buckets   3 start of the next bucket   4 states as JSON   5 most messages that the outbox may hold
--       6… messages as JSON
-- Result 'ok'. Error FENCED when the fence is not the last that took the state.

if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then
  return redis.error_reply('FENCED alerts are evaluated by another replica')
end
if #ARGV > 5 then
  redis.call('XTRIM', KEYS[2], 'MAXLEN', math.max(0, tonumber(ARGV[5]) - (#ARGV - 5)))
end
for i = 6, #ARGV do
  redis.call('XADD', KEYS[2], '*', 'message', ARGV[i])
end
redis.call('HSET', KEYS[1], 'length', ARGV[2], 'next', ARGV[3], 'states', ARGV[4])
return 'ok'
