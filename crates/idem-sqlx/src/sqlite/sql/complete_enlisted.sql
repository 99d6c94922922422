INSERT INTO idem_records AS r (key, owner, completed, until, record)
SELECT ?1, ?2, 1, CAST(round(unixepoch('subsec') * 1000) AS INTEGER) + ?4, ?3
FROM temp.idem_transaction WHERE mark = ?5
ON CONFLICT (key) DO UPDATE SET
    owner = excluded.owner, completed = 1, until = excluded.until, record = excluded.record
WHERE (NOT r.completed AND r.owner = excluded.owner)
    OR (r.completed AND r.until <= CAST(round(unixepoch('subsec') * 1000) AS INTEGER))
