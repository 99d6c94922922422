-- Owned: 1. Otherwise what stands there, and for a lease also the milliseconds that are left of it.
-- ARGV: the pending record, its milliseconds, "again" if claiming again is to be a write.
local found = redis.call('GET', KEYS[1])
if not found then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
-- A result, which begins with a C. Nobody who claims asks how long it stays.
if string.byte(found) == 67 then
  return found
end
if string.sub(found, 1, 17) == string.sub(ARGV[1], 1, 17) then
  -- The same time for the same value: replicas get it, and confirm it. A full server refuses no PEXPIRE, and
  -- what is over within a millisecond must not end here.
  if ARGV[3] == 'again' then
    redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), 1))
  end
  return 1
end
return {found, redis.call('PTTL', KEYS[1])}
