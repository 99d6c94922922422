WITH r AS MATERIALIZED (
    SELECT owner, until FROM idem_records
    WHERE key = $1 AND owner = $2 AND NOT completed
    FOR SHARE
)
INSERT INTO idem_renewals AS n (key, owner, base, until)
SELECT $1::bytea, r.owner, r.until, clock_timestamp() + $3::bigint * interval '1 microsecond'
FROM r
WHERE coalesce(
    (SELECT m.until FROM idem_renewals m
        WHERE m.key = $1 AND m.owner = r.owner AND m.base = r.until),
    r.until) > clock_timestamp()
    AND CASE WHEN $4 THEN set_config('synchronous_commit', 'off', true) IS NOT NULL ELSE true END
ON CONFLICT (key) DO UPDATE SET
    owner = excluded.owner, base = excluded.base, until = excluded.until
WHERE (n.owner, n.base) <> (excluded.owner, excluded.base) OR n.until > clock_timestamp()
