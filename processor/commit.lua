#!lua flags=allow-oom
-- Makes a batch of one partition take effect, all or nothing: the changed transactions, their deadlines, their
-- published summaries, and the group's position behind the logs that were merged. Allowed when Redis is full: committing is
-- what lets entries be trimmed.
--
-- KEYS  1 claim   2 log stream   3 summary stream   4 deadlines (zset)   5… one string per transaction
-- ARGV  1 token   2 group
--       3 id of the last log entry that was merged, or '' when only deadlines passed   4 entries read so far, or ''
--       5 most entries that the summary stream may hold
--       6 number of transactions, each: id, record (JSON), retention in ms, deadline in ms, '' for none, or
--         'as it is' when it need not be touched
--       then: number of summary entries, each: n, rows
--       then: number of deadlines to correct, each: id, deadline in ms or ''
-- Result 'ok', or 'full' when the summary stream is at its mark: then nothing was changed. Error FENCED when the claim is not
--       the token's; error NOGROUP when the group is gone.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[5]) then
  return 'full'
end
if ARGV[3] ~= '' then
  -- First, since it is the only one that can fail: a script is not undone.
  if ARGV[4] ~= '' then
    redis.call('XGROUP', 'SETID', KEYS[2], ARGV[2], ARGV[3], 'ENTRIESREAD', ARGV[4])
  else
    redis.call('XGROUP', 'SETID', KEYS[2], ARGV[2], ARGV[3])
  end
end

local at = 7
for i = 1, tonumber(ARGV[6]) do
  local key = KEYS[4 + i]
  redis.call('SET', key, ARGV[at + 1], 'PX', ARGV[at + 2])
  if ARGV[at + 3] == '' then
    redis.call('ZREM', KEYS[4], ARGV[at])
  elseif ARGV[at + 3] ~= 'as it is' then
    redis.call('ZADD', KEYS[4], ARGV[at + 3], ARGV[at])
  end
  at = at + 4
end

local entries = tonumber(ARGV[at])
at = at + 1
for _ = 1, entries do
  redis.call('XADD', KEYS[3], '*', 'v', '1', 'n', ARGV[at], 'summaries', ARGV[at + 1])
  at = at + 2
end

local corrections = tonumber(ARGV[at])
at = at + 1
for _ = 1, corrections do
  if ARGV[at + 1] == '' then
    redis.call('ZREM', KEYS[4], ARGV[at])
  else
    redis.call('ZADD', KEYS[4], 'XX', ARGV[at + 1], ARGV[at])
  end
  at = at + 2
end
return 'ok'
