#!lua flags=no-writes
-- How the rows of entries are counted, without the rows.
--
-- KEYS  1 stream
-- ARGV  1 after which id   2 up to which id   3 entries to look at, at most
-- Result {id of the last entry that was looked at or '' if there is none, field `a` of an entry or '', …}

local found = { '' }
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], ARGV[2], 'COUNT', ARGV[3])) do
  found[1] = entry[1]
  local fields = entry[2]
  local account = ''
  for at = 1, #fields, 2 do
    if fields[at] == 'a' then
      account = fields[at + 1]
    end
  end
  found[#found + 1] = account
end
return found
