#!lua flags=no-writes
-- Reads a stream on from where a reader without a group stands, and tells what it needs to know whether anything was dropped meanwhile.
--
-- KEYS  1 stream
-- ARGV  1 id of the last entry that was read, or '+' to read nothing   2 bytes after which no further entries are taken
-- Result entries ever added, entries that are there, id of the first one ('' if there is none), last id ever given out, then the entries.

if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 0, 0, '', '0-0' }
end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local is = {}
for i = 1, #info, 2 do
  is[info[i]] = info[i + 1]
end
local first = is['first-entry'] and is['first-entry'][1] or ''
local result = { is['entries-added'], is['length'], first, is['last-generated-id'] }
if ARGV[1] == '+' or ARGV[1] == is['last-generated-id'] then
  return result
end
local after, bytes = ARGV[1], 0
while bytes < tonumber(ARGV[2]) do
  local entries = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', 4)
  for _, entry in ipairs(entries) do
    result[#result + 1] = entry
    after = entry[1]
    for _, text in ipairs(entry[2]) do
      bytes = bytes + #text
    end
  end
  if #entries < 4 then
    break
  end
end
return result
