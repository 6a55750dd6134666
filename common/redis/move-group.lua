-- Part of the scripts that move a group.

-- Puts a group behind the entry `id`, of which `entries_read` ('' if not known) were read by then. Returns an error of Redis, or nil.
local function move_group(stream, group, id, entries_read)
  local count = {}
  if entries_read ~= '' then
    count = { 'ENTRIESREAD', entries_read }
  end
  local moved = redis.pcall('XGROUP', 'SETID', stream, group, id, unpack(count))
  if type(moved) == 'table' and moved.err then
    if string.sub(moved.err, 1, 7) ~= 'NOGROUP' and redis.call('EXISTS', stream) == 1 then
      return moved
    end
    -- Somebody destroyed the group, or the stream with it. Made again at the beginning, it would get everything once more; we know
    -- where it stood.
    redis.call('XGROUP', 'CREATE', stream, group, id, 'MKSTREAM', unpack(count))
  end
end
