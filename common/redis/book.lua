-- Part of the scripts that book what they did (common/account.ts). Their ARGV has, from the place `at` on:
--       number of bookings, those of one account one after the other, each: place of the account in KEYS, field, count

-- The place in ARGV behind the bookings.
local function behind_bookings(at)
  return at + 1 + 3 * tonumber(ARGV[at])
end

-- Fails if something else stands where an account should: before anything is changed, since a script is not undone.
local function look_at_accounts(at)
  local place
  for i = at + 1, behind_bookings(at) - 1, 3 do
    if ARGV[i] ~= place then
      place = ARGV[i]
      redis.call('HLEN', KEYS[tonumber(place)])
    end
  end
end

-- Beyond 10,000 fields of an account, further interfaces are counted under one name. An account is kept for 32 days.
local function book(at)
  local last = behind_bookings(at) - 3
  local place, account, may_be_full
  for i = at + 1, last, 3 do
    local field = ARGV[i + 1]
    if ARGV[i] ~= place then
      place = ARGV[i]
      account = KEYS[tonumber(place)]
      -- The bookings may add fields, up to one each. Nearly always there is room for all, and no need to ask for each.
      may_be_full = redis.call('HLEN', account) + tonumber(ARGV[at]) >= 10000
    end
    if may_be_full and redis.call('HLEN', account) >= 10000 and redis.call('HEXISTS', account, field) == 0 then
      field = string.match(field, '^[^\t]*\t[^\t]*\t') .. '(others)'
    end
    redis.call('HINCRBY', account, field, ARGV[i + 2])
    if i == last or ARGV[i + 3] ~= place then
      redis.call('EXPIRE', account, 2764800)
    end
  end
end
