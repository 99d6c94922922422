SELECT 1 FROM idem_records WHERE until <= CAST(round(unixepoch('subsec') * 1000) AS INTEGER) LIMIT 1
