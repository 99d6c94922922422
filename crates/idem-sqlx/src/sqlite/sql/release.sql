DELETE FROM idem_records WHERE key = ?1 AND owner = ?2 AND NOT completed
RETURNING until > CAST(round(unixepoch('subsec') * 1000) AS INTEGER) AS live
