SELECT 1 FROM idem_records WHERE key = $1 AND NOT completed AND owner <> $2 FOR UPDATE
