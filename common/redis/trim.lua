#!lua flags=allow-oom
-- Drops the entries that every group of a stream has; one script, so that a group created meanwhile is seen. A stream
-- without any group keeps everything: nobody has read it yet.
--
-- KEYS  1 stream
-- Result number of entries dropped.

if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end

-- Stream ids are two 64-bit numbers: compared as such, not as texts, and without Lua's doubles losing digits.
local function less(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  if #a_ms ~= #b_ms then return #a_ms < #b_ms end
  if a_ms ~= b_ms then return a_ms < b_ms end
  if #a_seq ~= #b_seq then return #a_seq < #b_seq end
  return a_seq < b_seq
end

local lowest
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  for i = 1, #group, 2 do
    if group[i] == 'last-delivered-id' and (lowest == nil or less(group[i + 1], lowest)) then
      lowest = group[i + 1]
    end
  end
end
if lowest == nil or lowest == '0-0' then
  return 0
end

-- MINID keeps its argument: the entry after the lowest position is the first that somebody still needs.
local after = redis.call('XRANGE', KEYS[1], '(' .. lowest, '+', 'COUNT', 1)
if #after > 0 then
  return redis.call('XTRIM', KEYS[1], 'MINID', after[1][1])
end
-- Everything has been read. Whatever comes later has a greater id, so the stream may be emptied.
return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
