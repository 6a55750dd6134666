#!lua
-- Appends one partition's part of a batch: exactly once for a source that is read by position.
-- Refused as a whole when Redis is over its maxmemory, since it has no flag allow-oom.
--
-- KEYS  1 log stream   2 dead-letter stream   3 positions (hash: source -> position)
--       4 guard (the number of partitions for which logs are taken, if it was ever changed)
-- ARGV  1 most entries that the log stream may hold
--       2 source, or '' when the batch has no position
--       3 position that the source must stand at here, or '' when it must have none   4 its position afterwards
--       5 number of log entries, each: n, header, rows
--       then: number of dead-letter entries, each: n, rows
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
if tonumber(ARGV[6 + 3 * tonumber(ARGV[5])]) > 0 then
  redis.call('XLEN', KEYS[2])
end

local source = ARGV[2]
if source ~= '' then
  local position = redis.call('HGET', KEYS[3], source) or ''
  if position ~= ARGV[3] then
    return { 'moved', position }
  end
end

local at = 6
for _ = 1, tonumber(ARGV[5]) do
  redis.call('XADD', KEYS[1], '*', 'v', '1', 'n', ARGV[at], 'h', ARGV[at + 1], 'logs', ARGV[at + 2])
  at = at + 3
end
local dead_letters = tonumber(ARGV[at])
at = at + 1
for _ = 1, dead_letters do
  redis.call('XADD', KEYS[2], '*', 'v', '1', 'n', ARGV[at], 'dead_letters', ARGV[at + 1])
  at = at + 2
end

if source ~= '' then
  redis.call('HSET', KEYS[3], source, ARGV[4])
end
return { 'ok' }
