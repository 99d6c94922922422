UPDATE idem_records SET until = CAST(round(unixepoch('subsec') * 1000) AS INTEGER) + ?3
WHERE key = ?1 AND owner = ?2 AND NOT completed
    AND until > CAST(round(unixepoch('subsec') * 1000) AS INTEGER)
