-- Held: 1, lost: 0.
-- ARGV: the head of the owner's pending record, the completed record, its milliseconds.
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
if head == ARGV[1] then
  -- A full server refuses SET as a script's first write, and stops no script that has written. PEXPIRE
  -- is never refused, so the completion of a claim that was admitted lands.
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
elseif head == string.sub(ARGV[2], 1, 17) then
  return 1
elseif head ~= '' then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
