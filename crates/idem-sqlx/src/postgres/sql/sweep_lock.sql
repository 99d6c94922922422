SELECT key FROM idem_records r
WHERE sweep_at <= now()
    AND (completed OR NOT EXISTS (
        SELECT FROM idem_renewals n
        WHERE n.key = r.key AND n.owner = r.owner AND n.base = r.until AND n.until > now()))
ORDER BY sweep_at LIMIT $1 FOR UPDATE SKIP LOCKED
