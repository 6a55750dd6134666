#!lua flags=no-writes
-- Reads transactions of a partition with all that is kept beside them.
--
-- KEYS  1 deadlines (zset)   2… one string per transaction
-- ARGV  ids of the transactions
-- Result for each transaction: record or nil, when it expires in ms since 1970 or -1 for never, deadline or nil.

local found = {}
for i = 1, #ARGV do
  found[#found + 1] = {
    redis.call('GET', KEYS[i + 1]),
    redis.call('PEXPIRETIME', KEYS[i + 1]),
    redis.call('ZSCORE', KEYS[1], ARGV[i]),
  }
end
return found
