DELETE FROM idem_records WHERE rowid IN (
    SELECT rowid FROM idem_records
    WHERE until <= CAST(round(unixepoch('subsec') * 1000) AS INTEGER)
    ORDER BY until LIMIT ?1)
