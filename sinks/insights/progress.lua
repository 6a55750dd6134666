#!lua flags=no-writes
-- How far a partition is counted.
--
-- KEYS  1 summary stream   2 the lane (hash)
-- ARGV  1 group
-- Result Redis' time in ms, '1' if the group has everything that was in the stream at that time or else '', time up to which is counted in ms or
-- '', version or ''

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local all = ''
if redis.call('EXISTS', KEYS[1]) == 1 then
  local last
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      last = info[i + 1]
    end
  end
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local name, position
    for i = 1, #group, 2 do
      if group[i] == 'name' then
        name = group[i + 1]
      elseif group[i] == 'last-delivered-id' then
        position = group[i + 1]
      end
    end
    if name == ARGV[1] and position == last then
      all = '1'
    end
  end
end
return { now, all, redis.call('HGET', KEYS[2], 'counted') or '', redis.call('HGET', KEYS[2], 'version') or '' }
