#!lua flags=allow-oom
-- Counts what a batch of a partition's stream comes to, once: a batch that comes again changes nothing. Allowed when Redis is full: only
-- what is counted can be trimmed, and buckets expire.
--
-- KEYS  1 the partition's hash of alerts   2… hashes of failed transactions, newest first   then buckets
-- ARGV  1 stream   2 fence   3 token   4 start of the earliest bucket   5 ms that buckets are kept   6 ms that failed transactions are kept
--       7 most fields of a bucket   8 most transactions of a hash   9 number of hashes of failed transactions
--       10 number of counts, each: place of the bucket in KEYS, field, how many
--       then: number of details, each: place of the bucket, field, JSON; the first one stays
--       then: number of times, each: place of the bucket, field, ms
--       then: number of changes, each: transaction, place of the bucket, its start, and the field it failed as, or '' if that is cleared
-- Result 'ok', or the time before which nothing is counted any more, if the earliest bucket is before it: nothing is changed then.
--        Error FENCED when a process with a greater fence has the stream.

local is = KEYS[1]
local last_fence = tonumber(redis.call('HGET', is, 'fence:' .. ARGV[1]) or '0')
if last_fence > tonumber(ARGV[2]) then
  return redis.error_reply('FENCED the stream belongs to another replica')
end
if redis.call('HGET', is, 'token:' .. ARGV[1]) == ARGV[3] then
  return 'ok'
end
local closed = redis.call('HGET', is, 'closed')
if closed and tonumber(closed) > tonumber(ARGV[4]) then
  return closed
end
-- A script is not undone, so what somebody may have replaced by something else is looked at before anything is changed.
for i = 2, #KEYS do
  redis.call('HLEN', KEYS[i])
end

local fields_max, failed_max, hashes = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local room = {}
for i = 2 + hashes, #KEYS do
  room[i] = fields_max - redis.call('HLEN', KEYS[i])
end
-- False if there is no room for a field that is not there yet.
local function fits(place, field)
  if redis.call('HEXISTS', KEYS[place], field) == 1 then
    return true
  end
  room[place] = room[place] - 1
  return room[place] >= 0
end

local at = 10
local function number_of()
  local n = tonumber(ARGV[at])
  at = at + 1
  return n
end
for _ = 1, number_of() do
  local place, field = tonumber(ARGV[at]), ARGV[at + 1]
  if not fits(place, field) then
    field = string.match(field, '^%a%d*') .. '["(others)"]'
  end
  redis.call('HINCRBY', KEYS[place], field, ARGV[at + 2])
  at = at + 3
end
for _ = 1, number_of() do
  local place, field = tonumber(ARGV[at]), '!' .. ARGV[at + 1]
  if redis.call('HEXISTS', KEYS[place], field) == 0 and fits(place, field) then
    redis.call('HSET', KEYS[place], field, ARGV[at + 2])
  end
  at = at + 3
end
for _ = 1, number_of() do
  local place, field = tonumber(ARGV[at]), '@' .. ARGV[at + 1]
  if fits(place, field) then
    redis.call('HSET', KEYS[place], field, ARGV[at + 2])
  end
  at = at + 3
end
local newest = KEYS[2]
for _ = 1, number_of() do
  local id, place, start, failed = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  if failed ~= '' then
    if redis.call('HLEN', newest) < failed_max then
      redis.call('HSET', newest, id, start .. ':' .. failed)
      redis.call('PEXPIRE', newest, ARGV[6])
    end
  else
    for i = 2, 1 + hashes do
      local counted = redis.call('HGET', KEYS[i], id)
      if counted then
        redis.call('HINCRBY', KEYS[place], 'x' .. counted, 1)
        redis.call('HDEL', KEYS[i], id)
        break
      end
    end
  end
  at = at + 4
end
for i = 2 + hashes, #KEYS do
  redis.call('PEXPIRE', KEYS[i], ARGV[5])
end
redis.call('HSET', is, 'fence:' .. ARGV[1], ARGV[2], 'token:' .. ARGV[1], ARGV[3])
return 'ok'
