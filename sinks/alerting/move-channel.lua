#!lua flags=allow-oom
-- A channel has its messages up to here; what every channel has is dropped from the outbox.
--
-- KEYS  1 state   2 outbox   3 channels
-- ARGV  1 fence   2 id of the message   3 name of the channel   4… names of all channels
-- Result 'ok'. Error FENCED when the fence is not the last that took the state.

if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then
  return redis.error_reply('FENCED alerts are evaluated by another replica')
end
redis.call('HSET', KEYS[3], 'at:' .. ARGV[3], ARGV[2])
while true do
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  if not first then
    return 'ok'
  end
  for i = 4, #ARGV do
    -- Ids are compared as numbers: before the dash, then behind it.
    local at = redis.call('HGET', KEYS[3], 'at:' .. ARGV[i]) or '0-0'
    local ams, aseq = string.match(at, '^(%d+)-(%d+)$')
    local fms, fseq = string.match(first[1], '^(%d+)-(%d+)$')
    if tonumber(ams) < tonumber(fms) or (tonumber(ams) == tonumber(fms) and tonumber(aseq) < tonumber(fseq)) then
      return 'ok'
    end
  end
  redis.call('XTRIM', KEYS[2], 'MAXLEN', redis.call('XLEN', KEYS[2]) - 1)
end
