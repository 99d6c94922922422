UPDATE idem_records r SET
    owner = $2, record = $3,
    until = clock_timestamp() + $4::bigint * interval '1 microsecond',
    sweep_at = clock_timestamp() + $5::bigint * interval '1 microsecond'
WHERE key = $1 AND NOT completed AND owner <> $2
    AND coalesce(
        (SELECT n.until FROM idem_renewals n
            WHERE n.key = r.key AND n.owner = r.owner AND n.base = r.until),
        r.until) <= clock_timestamp()
    AND CASE WHEN $6 THEN set_config('synchronous_commit', 'off', true) IS NOT NULL ELSE true END
