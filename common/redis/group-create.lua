#!lua flags=allow-oom
-- Makes a group at a stream's beginning where there is none. What was dropped before counts as read: it was never meant for this
-- group. Allowed when Redis is full: without a group nothing could be drained.
--
-- KEYS  1 stream
-- ARGV  1 group
-- Result 1 when it was made, 0 when it was there.

local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err then
  if string.sub(made.err, 1, 9) == 'BUSYGROUP' then
    return 0
  end
  return made
end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local is = {}
for i = 1, #info, 2 do
  is[info[i]] = info[i + 1]
end
redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], '0', 'ENTRIESREAD', is['entries-added'] - is['length'])
return 1
