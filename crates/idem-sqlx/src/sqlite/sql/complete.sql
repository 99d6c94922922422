INSERT INTO idem_records AS r (key, owner, completed, until, record)
VALUES (?1, ?2, 1, CAST(round(unixepoch('subsec') * 1000) AS INTEGER) + ?4, ?3)
ON CONFLICT (key) DO UPDATE SET
    owner = excluded.owner, completed = 1,
    until = CASE
        WHEN r.completed AND r.until > CAST(round(unixepoch('subsec') * 1000) AS INTEGER) THEN r.until
        ELSE excluded.until
    END,
    record = CASE
        WHEN r.completed AND r.until > CAST(round(unixepoch('subsec') * 1000) AS INTEGER) THEN r.record
        ELSE excluded.record
    END
WHERE r.owner = excluded.owner OR r.until <= CAST(round(unixepoch('subsec') * 1000) AS INTEGER)
