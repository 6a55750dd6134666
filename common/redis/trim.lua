#!lua flags=allow-oom
-- Drops the entries that every group of a stream has, and tells how far behind the groups are; one script, so that a group created meanwhile is
-- seen. A stream without any group keeps everything: nobody has read it yet. And so does one of whose groups one is missing: somebody destroyed
-- it, and its reader may not have everything.
--
-- KEYS  1 stream
-- ARGV  the groups that should be there
-- Result number of entries dropped, entries left, then for each group: name, lag in entries ('' where Redis cannot tell), ms since 1970 when
--       the first entry was appended that it has not taken ('' if it has them all).

if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 0, 0 }
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

local groups = {}
local there = {}
local lowest
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #flat, 2 do
    group[flat[i]] = flat[i + 1]
  end
  groups[#groups + 1] = group
  there[group['name']] = true
  if lowest == nil or less(group['last-delivered-id'], lowest) then
    lowest = group['last-delivered-id']
  end
end

local complete = true
for _, name in ipairs(ARGV) do
  complete = complete and there[name] ~= nil
end

-- The first entry that a group has not taken: one look for all that stand at the same place.
local first_after = {}
local function after(position)
  if first_after[position] == nil then
    local entry = redis.call('XRANGE', KEYS[1], '(' .. position, '+', 'COUNT', 1)[1]
    first_after[position] = entry and entry[1] or ''
  end
  return first_after[position]
end

local dropped = 0
if complete and lowest ~= nil and lowest ~= '0-0' then
  if after(lowest) ~= '' then
    -- MINID keeps its argument: the entry after the lowest position is the first that somebody still needs.
    dropped = redis.call('XTRIM', KEYS[1], 'MINID', after(lowest))
  else
    -- Everything has been read. Whatever comes later has a greater id, so the stream may be emptied.
    dropped = redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
  end
end

local report = { dropped, redis.call('XLEN', KEYS[1]) }
for _, group in ipairs(groups) do
  report[#report + 1] = group['name']
  report[#report + 1] = group['lag'] or ''
  report[#report + 1] = string.match(after(group['last-delivered-id']), '^%d+') or ''
end
return report
