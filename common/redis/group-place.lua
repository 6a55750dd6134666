#!lua flags=allow-oom
-- Puts a group where its reader stands, and makes it (and the stream) again if somebody took it away.
--
-- KEYS  1 claim   2 stream
-- ARGV  1 token   2 group   3 id of the last entry that was read   4 entries read so far, or ''
-- Result 'ok'. Error FENCED when the claim is not the token's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the claim belongs to another replica')
end
return move_group(KEYS[2], ARGV[2], ARGV[3], ARGV[4]) or 'ok'
