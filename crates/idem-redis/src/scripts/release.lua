-- Held: 1, lost: 0.
-- ARGV: the head of the owner's pending record.
if redis.call('GETRANGE', KEYS[1], 0, 16) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
