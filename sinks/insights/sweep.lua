#!lua flags=allow-oom
-- Forgets transactions: those whose window is closed, and those that do not count and were remembered long enough.
--
-- KEYS  1 members (hash)   2 closed windows (zset)
-- ARGV  1 time up to which is counted, in ms   2… transactions to look at
-- Result how many were forgotten.

local gone = 0
for i = 2, #ARGV do
  local member = redis.call('HGET', KEYS[1], ARGV[i])
  if member then
    -- [created,version,window,until,group,…: without a group it does not count.
    local window, till, group = string.match(member, '^%[%d+,%d+,(%-?%d+),(%d+),(.)')
    local over
    if group == 'n' then
      over = tonumber(till) < tonumber(ARGV[1])
    else
      over = redis.call('ZSCORE', KEYS[2], window)
    end
    if over then
      gone = gone + redis.call('HDEL', KEYS[1], ARGV[i])
    end
  end
end
return gone
