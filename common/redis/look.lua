#!lua flags=no-writes
-- What is to be known of a stream to notice losses: XINFO itself would send its first and last entry along.
--
-- KEYS  1 stream   2 claim
-- ARGV  1 group   2 token
-- Result nil when there is no stream; else number of entries, entries ever added, id of the first one ('' if it is empty), last id ever given
--       out, 1 or 0: whether the group is there. Error FENCED when the claim is not the token's: entries may be gone because another
--       replica had them.

if redis.call('GET', KEYS[2]) ~= ARGV[2] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  return nil
end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local is = {}
for i = 1, #info, 2 do
  is[info[i]] = info[i + 1]
end
local grouped = 0
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  for i = 1, #group, 2 do
    if group[i] == 'name' and group[i + 1] == ARGV[1] then
      grouped = 1
    end
  end
end
local first = is['first-entry'] and is['first-entry'][1] or ''
return { is['length'], is['entries-added'], first, is['last-generated-id'], grouped }
