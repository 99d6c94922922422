SELECT owner, completed, record, until - CAST(round(unixepoch('subsec') * 1000) AS INTEGER) AS left_ms
FROM idem_records
WHERE key = ?1 AND until > CAST(round(unixepoch('subsec') * 1000) AS INTEGER)
