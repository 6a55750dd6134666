#!lua flags=no-writes
-- Buckets of a partition that hold something.
--
-- KEYS  buckets
-- Result for each of those: its place in KEYS, its fields and values as a list.

local found = {}
for i = 1, #KEYS do
  local fields = redis.call('HGETALL', KEYS[i])
  if #fields > 0 then
    found[#found + 1] = i
    found[#found + 1] = fields
  end
end
return found
