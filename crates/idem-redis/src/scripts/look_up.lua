-- Absent: 0. Otherwise what stands there, and the milliseconds that are left of it.
local found = redis.call('GET', KEYS[1])
if not found then
  return 0
end
return {found, redis.call('PTTL', KEYS[1])}
