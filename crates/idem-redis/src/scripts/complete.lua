-- Held: 1, lost: 0.
-- ARGV: the head of the owner's pending record, the completed record, its milliseconds.
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
if head ~= ARGV[1] and head ~= '' then
  -- Its own result, or another's record.
  return head == string.sub(ARGV[2], 1, 17) and 1 or 0
end
if head == '' and redis.call('GET', KEYS[1]) then
  -- Another program's empty text.
  return 0
end
local refused = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]).err
if refused then
  -- A full server refuses SET as a script's first write, and stops no script that has written. PEXPIRE
  -- is never refused for want of room, so the completion of a claim that was admitted lands. Whatever else
  -- refuses SET may let PEXPIRE pass, and the lease would stay for as long as a result.
  if head ~= '' and string.find(refused, 'OOM', 1, true) then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
  end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
