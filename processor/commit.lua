#!lua flags=allow-oom
-- Makes a batch of one partition take effect, all or nothing: entries that are none of ours as dead letters, the changed
-- transactions, their deadlines, their published summaries, what is booked, and the group's position behind the logs that were merged.
-- Allowed when Redis is full: committing is what lets entries be trimmed.
--
-- KEYS  1 claim   2 log stream   3 summary stream   4 deadlines (zset)   5 dead-letter stream   6… one string per transaction
--       then: accounts (hashes)
-- ARGV  1 token   2 group
--       3 id of the last log entry that was merged, or '' when only deadlines passed   4 entries read so far, or ''
--       5 most entries that the summary stream may hold
--       6 bookings (common/redis/book.lua)
--       then: number of dead-letter entries, each: n, rows
--       then: columns of a summary, number of summary entries, each: n, was, rows
--       then: number of retentions, each: ms, number of transactions, each: record; all of them in the order of KEYS
--       then: number of words, deadlines to set, each: deadline in ms, id
--       then: number of words, deadlines to correct where one is set, each: deadline in ms, id
--       then: number of words, deadlines to take away, each: id
-- Result 'ok', or 'full' when the summary stream is at its mark: then nothing was changed. Error FENCED when the claim is not
--       the token's. A group that is gone is made again, and the stream with it.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[5]) then
  return 'full'
end
-- A script is not undone, so what somebody may have replaced by something else is looked at before anything is changed.
redis.call('XLEN', KEYS[2])
redis.call('ZCARD', KEYS[4])
look_at_accounts(6)
local at = behind_bookings(6)
local letters = tonumber(ARGV[at])
if letters > 0 then
  redis.call('XLEN', KEYS[5])
end

at = at + 1
for _ = 1, letters do
  redis.call('XADD', KEYS[5], '*', 'v', '1', 'n', ARGV[at], 'dead_letters', ARGV[at + 1])
  at = at + 2
end

-- Before the transactions: once those are known, the same logs change nothing, and nothing would be published.
local columns, entries = ARGV[at], tonumber(ARGV[at + 1])
at = at + 2
for _ = 1, entries do
  redis.call('XADD', KEYS[3], '*', 'v', '1', 'n', ARGV[at], 'c', columns, 'was', ARGV[at + 1], 'summaries', ARGV[at + 2])
  at = at + 3
end

-- Until when, and not for how long, which Redis would have to reckon and to write anew for each.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local call, keys, args, key = redis.call, KEYS, ARGV, 5
local retentions = tonumber(ARGV[at])
at = at + 1
for _ = 1, retentions do
  local expires = string.format('%.0f', now + tonumber(ARGV[at]))
  local first = at + 2
  at = first + tonumber(ARGV[at + 1])
  for i = first, at - 1 do
    key = key + 1
    call('SET', keys[key], args[i], 'PXAT', expires)
  end
end

-- Many with each call, as far as Lua's stack holds them.
local function deadlines(command, option)
  local from = at + 1
  at = from + tonumber(ARGV[at])
  while from < at do
    local to = math.min(from + 1999, at - 1)
    if option then
      redis.call(command, KEYS[4], option, unpack(ARGV, from, to))
    else
      redis.call(command, KEYS[4], unpack(ARGV, from, to))
    end
    from = to + 1
  end
end
deadlines('ZADD')
deadlines('ZADD', 'XX')
deadlines('ZREM')

book(6)

if ARGV[3] ~= '' then
  -- Last: should anything above have failed after all, the logs are merged again.
  local failure = move_group(KEYS[2], ARGV[2], ARGV[3], ARGV[4])
  if failure then
    return failure
  end
end
return 'ok'
