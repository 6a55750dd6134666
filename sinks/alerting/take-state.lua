#!lua flags=allow-oom
-- Whoever evaluates alerts from now on: nobody with a smaller fence changes anything any more.
--
-- KEYS  1 state   2 outbox   3 channels
-- ARGV  1 fence   2… names of channels: new ones begin at the outbox' end
-- Result length of buckets, start of the next bucket to be evaluated, states as JSON ('' each if there is none yet), then where each channel stands.
--        Error FENCED when somebody with a greater fence has them.

if tonumber(redis.call('HGET', KEYS[1], 'fence') or '0') > tonumber(ARGV[1]) then
  return redis.error_reply('FENCED alerts are evaluated by another replica')
end
redis.call('HSET', KEYS[1], 'fence', ARGV[1])
local last = '0-0'
if redis.call('EXISTS', KEYS[2]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      last = info[i + 1]
    end
  end
end
local result = {}
for i, field in ipairs({ 'length', 'next', 'states' }) do
  result[i] = redis.call('HGET', KEYS[1], field) or ''
end
for i = 2, #ARGV do
  local at = redis.call('HGET', KEYS[3], 'at:' .. ARGV[i])
  if not at then
    at = last
    redis.call('HSET', KEYS[3], 'at:' .. ARGV[i], at)
  end
  result[#result + 1] = at
end
return result
