#!lua flags=allow-oom
-- Publishes rows of one window, and the window: for lookups, for the stream, and for the table.
--
-- KEYS  1 state of the insights (hash)   2 windows (hash)   3 pending (hash)   4 stream   5 lookup of the window (hash)
-- ARGV  1 fence   2 revision that was the last   3 generation   4 most messages of the stream, '0' for none
--       5 window   6 its JSON   7 its state   8 in how many ms its lookup is to expire, or '' for not (then
--       that of a final one is not touched)   9 its JSON for the table, or ''
--       10 number of rows, each: group, JSON for lookups or '' for none any more, JSON for the table or ''
--       then: number of messages, each: number of words, fields with their values
-- Result 'ok'. Error FENCED when somebody else does that now.

local state = KEYS[1]
if tonumber(ARGV[1]) < tonumber(redis.call('HGET', state, 'fence') or '0') then
  return redis.error_reply('FENCED another replica puts partitions together')
end
if (redis.call('HGET', state, 'revision') or '0') ~= ARGV[2] then
  return redis.error_reply('FENCED another replica has published since')
end
-- A script is not undone, so what somebody may have replaced by something else is looked at before anything is changed.
redis.call('HLEN', KEYS[2])
redis.call('HLEN', KEYS[3])
redis.call('HLEN', KEYS[5])
redis.call('XLEN', KEYS[4])

local lookup = true
if ARGV[7] == 'final' and ARGV[8] == '' then
  -- What came late for a closed window; its lookup may have expired.
  lookup = false
end
-- Of another generation: its numbers mean something else.
if lookup and redis.call('HGET', KEYS[5], '@generation') ~= ARGV[3] then
  redis.call('DEL', KEYS[5])
end
if lookup then
  redis.call('HSET', KEYS[5], '@generation', ARGV[3], '@state', ARGV[7])
end
redis.call('HSET', KEYS[2], ARGV[5], ARGV[6])
if ARGV[9] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[5], ARGV[9])
end
local at = 11
for _ = 1, tonumber(ARGV[10]) do
  if ARGV[at + 1] == '' then
    redis.call('HDEL', KEYS[5], ARGV[at])
  else
    redis.call('HSET', KEYS[5], ARGV[at], ARGV[at + 1])
  end
  if ARGV[at + 2] ~= '' then
    redis.call('HSET', KEYS[3], ARGV[5] .. '\t' .. ARGV[at], ARGV[at + 2])
  end
  at = at + 3
end
if ARGV[8] ~= '' then
  redis.call('PEXPIRE', KEYS[5], ARGV[8])
end
local messages = tonumber(ARGV[at])
at = at + 1
for _ = 1, messages do
  local words = tonumber(ARGV[at])
  if ARGV[4] ~= '0' then
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, at + 1, at + words))
  end
  at = at + 1 + words
end
redis.call('HSET', state, 'revision', ARGV[2] + 1)
return 'ok'
