#!lua flags=no-writes
-- The books of a partition, and where every reader of its streams stands, at one moment.
--
-- KEYS  1 log stream   2 dead-letter stream   3… accounts (hashes)
-- Result for each stream {its last id, or '' if it is not there, name of a group, where it stands, …}; then for each account
--       {field, value, …}

local found = {}
for i = 1, 2 do
  local stream = { '' }
  if redis.call('EXISTS', KEYS[i]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[i])
    for at = 1, #info, 2 do
      if info[at] == 'last-generated-id' then
        stream[1] = info[at + 1]
      end
    end
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[i])) do
      local named = {}
      for at = 1, #group, 2 do
        named[group[at]] = group[at + 1]
      end
      stream[#stream + 1] = named['name']
      stream[#stream + 1] = named['last-delivered-id']
    end
  end
  found[i] = stream
end
for i = 3, #KEYS do
  found[i] = redis.call('HGETALL', KEYS[i])
end
return found
