WITH found AS MATERIALIZED (
    SELECT CASE
            WHEN f.left_us > 0 AND (f.completed OR f.owner <> $2) THEN 1
            WHEN NOT f.completed AND f.owner <> $2 THEN 2
            WHEN f.left_us > 0 THEN 3
            ELSE 4
        END AS kind, f.record, f.left_us
    FROM (
        SELECT r.completed, r.owner, r.record,
            (extract(epoch FROM
                CASE WHEN r.completed THEN r.until ELSE coalesce(n.until, r.until) END
                - clock_timestamp()) * 1000000)::bigint AS left_us
        FROM idem_records r
        LEFT JOIN idem_renewals n ON n.key = r.key AND n.owner = r.owner AND n.base = r.until
        WHERE r.key = $1
    ) f
), own AS MATERIALIZED (
    SELECT 1 FROM idem_records
    WHERE key = $1 AND owner = $2 AND NOT completed AND (SELECT kind FROM found) = 3
    FOR SHARE
), written AS (
    INSERT INTO idem_records AS r (key, owner, completed, until, sweep_at, record)
    SELECT $1::bytea, $2::bytea, false,
        clock_timestamp() + $4::bigint * interval '1 microsecond',
        clock_timestamp() + $5::bigint * interval '1 microsecond',
        $3::bytea
    WHERE NOT EXISTS (SELECT FROM found WHERE kind < 4)
    AND CASE WHEN $6 THEN set_config('synchronous_commit', 'off', true) IS NOT NULL ELSE true END
    ON CONFLICT (key) DO UPDATE SET
        owner = excluded.owner, completed = false,
        sweep_at = excluded.sweep_at, record = excluded.record,
        until = CASE
            WHEN r.completed OR EXISTS (SELECT FROM found WHERE kind = 4) THEN excluded.until
            ELSE r.until
        END
    WHERE CASE
        WHEN r.completed THEN r.until <= clock_timestamp()
        ELSE r.owner = excluded.owner
    END
    RETURNING 1
)
SELECT 0 AS kind, NULL::bytea AS record, 0::bigint AS left_us FROM written
UNION ALL SELECT 0, NULL, 0 FROM own
UNION ALL SELECT kind, record, left_us FROM found WHERE kind < 3
