#!lua flags=no-writes
-- Which command of our scripts the user may not run, if any. A script that lacks one fails in its middle, with an error that says little.
--
-- KEYS  1 any key of ours
-- Result the command, or nil.

local key = KEYS[1]
local needed = {
  { 'GET', key },
  { 'SET', key, 'x' },
  { 'DEL', key },
  { 'EXISTS', key },
  { 'PEXPIRE', key, '1' },
  { 'EXPIRE', key, '1' },
  { 'PTTL', key },
  { 'TIME' },
  { 'HGET', key, 'x' },
  { 'HGETALL', key },
  { 'HMGET', key, 'x' },
  { 'HSET', key, 'x', 'x' },
  { 'HDEL', key, 'x' },
  { 'HLEN', key },
  { 'HEXISTS', key, 'x' },
  { 'HINCRBY', key, 'x', '1' },
  { 'ZADD', key, '1', 'x' },
  { 'ZCARD', key },
  { 'ZSCORE', key, 'x' },
  { 'ZRANGE', key, '0', '-1' },
  { 'ZREM', key, 'x' },
  { 'ZREMRANGEBYSCORE', key, '-inf', '1' },
  { 'XADD', key, '*', 'x', 'x' },
  { 'XLEN', key },
  { 'XRANGE', key, '-', '+' },
  { 'XTRIM', key, 'MAXLEN', '1' },
  { 'XINFO', 'STREAM', key },
  { 'XINFO', 'GROUPS', key },
  { 'XGROUP', 'CREATE', key, 'x', '0' },
  { 'XGROUP', 'SETID', key, 'x', '0' },
}
for _, command in ipairs(needed) do
  if not redis.acl_check_cmd(unpack(command)) then
    return table.concat(command, ' ')
  end
end
return nil
