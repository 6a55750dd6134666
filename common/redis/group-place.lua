#!lua flags=allow-oom
-- Puts a group where its reader stands, and makes it (and the stream) again if somebody took it away.
--
-- KEYS  1 claim   2 stream
-- ARGV  1 token   2 group   3 id of the last entry that was read   4 entries read so far, or ''
-- Result 'ok'. Error FENCED when the claim is not the token's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
local count = {}
if ARGV[4] ~= '' then
  count = { 'ENTRIESREAD', ARGV[4] }
end
local moved = redis.pcall('XGROUP', 'SETID', KEYS[2], ARGV[2], ARGV[3], unpack(count))
if type(moved) == 'table' and moved.err then
  if string.sub(moved.err, 1, 7) ~= 'NOGROUP' and redis.call('EXISTS', KEYS[2]) == 1 then
    return moved
  end
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[2], ARGV[3], 'MKSTREAM', unpack(count))
end
return 'ok'
