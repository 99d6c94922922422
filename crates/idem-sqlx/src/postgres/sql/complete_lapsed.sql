UPDATE idem_records r SET
    owner = $2, completed = true, record = $3,
    until = clock_timestamp() + $4::bigint * interval '1 microsecond',
    sweep_at = clock_timestamp() + $4::bigint * interval '1 microsecond'
WHERE key = $1 AND NOT completed
    AND coalesce(
        (SELECT n.until FROM idem_renewals n
            WHERE n.key = r.key AND n.owner = r.owner AND n.base = r.until),
        r.until) <= clock_timestamp()
