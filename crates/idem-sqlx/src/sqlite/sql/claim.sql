INSERT INTO idem_records AS r (key, owner, completed, until, record)
VALUES (?1, ?2, 0, CAST(round(unixepoch('subsec') * 1000) AS INTEGER) + ?4, ?3)
ON CONFLICT (key) DO UPDATE SET
    owner = excluded.owner, completed = 0, until = excluded.until, record = excluded.record
WHERE r.until <= CAST(round(unixepoch('subsec') * 1000) AS INTEGER)
