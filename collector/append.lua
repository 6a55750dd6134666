#!lua
-- Appends one partition's part of a batch: exactly once for a source that is read by position.
-- Refused as a whole when Redis is over its maxmemory, since it has no flag allow-oom.
--
-- KEYS  1 log stream   2 dead-letter stream   3 positions (hash: source -> position)
--       4 guard (the number of partitions for which logs are taken, if it was ever changed)   5… accounts (hashes)
-- ARGV  1 most entries that the log stream may hold
--       2 source, or '' when the batch has no position
--       3 position that the source must stand at here, or '' when it must have none   4 its position afterwards
--       5 bookings (common/redis/book.lua)
--       then: number of log entries, each: number of fields and values, these
--       then: number of dead-letter entries, each the same way
--       last: number of partitions that the batch was divided by
-- Result {'guarded', guard} when the batch was divided by a number that is not in force; else
--       {'ok'}, {'full'} when the stream is at its mark, or {'moved', position} when the source stands elsewhere, '' if
--       nowhere: then nothing was appended.

local guard = redis.call('GET', KEYS[4])
if guard and guard ~= ARGV[#ARGV] then
  return { 'guarded', guard }
end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then
  return { 'full' }
end

-- A script is not undone, so what somebody may have replaced by something else is looked at before anything is changed.
redis.call('XLEN', KEYS[2])
look_at_accounts(5)

local source = ARGV[2]
if source ~= '' then
  local position = redis.call('HGET', KEYS[3], source) or ''
  if position ~= ARGV[3] then
    return { 'moved', position }
  end
end

local at = behind_bookings(5)
for stream = 1, 2 do
  local entries = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, entries do
    local last = at + tonumber(ARGV[at])
    redis.call('XADD', KEYS[stream], '*', unpack(ARGV, at + 1, last))
    at = last + 1
  end
end

book(5)

if source ~= '' then
  redis.call('HSET', KEYS[3], source, ARGV[4])
end
return { 'ok' }
