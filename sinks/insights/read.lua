#!lua flags=no-writes
-- Fields of many hashes at once: a command for each would cost more than what it does.
--
-- KEYS  hashes
-- ARGV  for each hash: number of fields, fields
-- Result for each hash: how many fields it has, then the values that were asked for, nil for none.

local answer = {}
local at = 1
for i = 1, #KEYS do
  local count = tonumber(ARGV[at])
  answer[#answer + 1] = redis.call('HLEN', KEYS[i])
  local last = at + count
  for first = at + 1, last, 1000 do
    for _, value in ipairs(redis.call('HMGET', KEYS[i], unpack(ARGV, first, math.min(first + 999, last)))) do
      answer[#answer + 1] = value
    end
  end
  at = last + 1
end
return answer
