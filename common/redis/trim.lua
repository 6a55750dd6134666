#!lua flags=allow-oom
-- Drops the entries that every group of a stream has, and tells how far behind the groups are; one script, so that a group created meanwhile is
-- seen. A stream without any group keeps everything: nobody has read it yet. And so does one of whose groups one is missing: somebody destroyed
-- it, and its reader may not have everything.
--
-- Of what every group has, some may be kept as a history for readers without a group: what is young enough, as long as the whole stream stays
-- within bounds. What a group still needs is never dropped for them.
--
-- KEYS  1 stream
-- ARGV  1 age up to which entries stay as a history, in ms; 0 for none   2 entries that the stream may hold with it
--       3 bytes that it may hold with it, about   4… the groups that should be there
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
for i = 4, #ARGV do
  complete = complete and there[ARGV[i]] ~= nil
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

-- How many entries the stream has more than a history may make it: by their number, and by the size of some of them.
local function surplus()
  local length = redis.call('XLEN', KEYS[1])
  if length < 2 then
    return 0
  end
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  local is = {}
  for i = 1, #info, 2 do
    is[info[i]] = info[i + 1]
  end
  local first, last = is['first-entry'], is['last-entry']
  local from, to = tonumber(string.match(first[1], '^%d+')), tonumber(string.match(last[1], '^%d+'))
  local between = redis.call('XRANGE', KEYS[1], string.format('%.0f', (from + to) / 2), '+', 'COUNT', 1)[1]
  local bytes = 0
  for _, entry in ipairs({ first, between, last }) do
    for _, text in ipairs(entry[2]) do
      bytes = bytes + #text
    end
  end
  return length - math.min(tonumber(ARGV[2]), math.floor(tonumber(ARGV[3]) / (bytes / 3)))
end

-- Drops what is older than the history, then the oldest of what is too much, a few at a time: they have to be looked at to know where they end.
-- Far too much is not worth looking at: then nothing stays that everybody has.
local function keep_history(needed)
  local function before(id)
    -- MINID keeps its argument.
    if needed ~= '' and less(needed, id) then
      id = needed
    end
    return redis.call('XTRIM', KEYS[1], 'MINID', id)
  end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local dropped = before(string.format('%.0f-0', math.max(0, now - tonumber(ARGV[1]))))
  local too_many = surplus()
  if too_many > 1024 then
    return dropped + before('18446744073709551615-18446744073709551615')
  end
  while too_many > 0 do
    local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', math.min(too_many, 32) + 1)
    local gone = before(oldest[#oldest][1])
    if gone == 0 then
      return dropped
    end
    dropped = dropped + gone
    too_many = too_many - gone
  end
  return dropped
end

local dropped = 0
if complete and lowest ~= nil and lowest ~= '0-0' then
  if tonumber(ARGV[1]) > 0 then
    dropped = keep_history(after(lowest))
  elseif after(lowest) ~= '' then
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
