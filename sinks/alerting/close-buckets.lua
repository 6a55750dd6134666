#!lua flags=allow-oom
-- Up to when everything of a partition has been counted: the time of the first entry that somebody has still to take, or now. From then on nothing is counted
-- before that time, whatever becomes of Redis' clock, so that what was evaluated stays true.
--
-- KEYS  1 the partition's hash of alerts   2 summary stream   3 dead-letter stream   4 log stream
-- ARGV  1 group that counts the first two   2 group that makes summaries of logs   3 length of a bucket in ms
-- Result that time, ms since 1970: a start of a bucket. '0' if a group is not there yet.

local function waiting_since(stream, group)
  if redis.call('EXISTS', stream) == 0 then
    return 0
  end
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local is = {}
    for i = 1, #info, 2 do
      is[info[i]] = info[i + 1]
    end
    if is['name'] == group then
      local first = redis.call('XRANGE', stream, '(' .. is['last-delivered-id'], '+', 'COUNT', 1)[1]
      if first then
        return tonumber(string.match(first[1], '^%d+'))
      end
      local time = redis.call('TIME')
      return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
    end
  end
  return 0
end

local now = math.min(
  waiting_since(KEYS[2], ARGV[1]),
  waiting_since(KEYS[3], ARGV[1]),
  waiting_since(KEYS[4], ARGV[2])
)
local length = tonumber(ARGV[3])
local closed = string.format('%.0f', math.floor(now / length) * length)
local before = redis.call('HGET', KEYS[1], 'closed')
if before and tonumber(before) >= tonumber(closed) then
  -- Of buckets of another length, perhaps.
  return string.format('%.0f', math.floor(tonumber(before) / length) * length)
end
redis.call('HSET', KEYS[1], 'closed', closed)
return closed
