WITH here AS MATERIALIZED (
    SELECT coalesce(current_setting('idem.transaction', true), '') AS mark,
        set_config('lock_timeout', $5, true),
        set_config('idle_in_transaction_session_timeout', $5, true),
        CASE WHEN current_setting('synchronous_commit') = 'off'
            THEN set_config('synchronous_commit', 'on', true)
        END
), written AS (
    INSERT INTO idem_records AS r (key, owner, completed, until, sweep_at, record)
    SELECT $1::bytea, $2::bytea, true,
        clock_timestamp() + $4::bigint * interval '1 microsecond',
        clock_timestamp() + $4::bigint * interval '1 microsecond',
        $3::bytea
    FROM here WHERE here.mark IN ('open ' || $6, 'over ' || $6)
    ON CONFLICT (key) DO UPDATE SET
        owner = excluded.owner, completed = true,
        until = excluded.until, sweep_at = excluded.sweep_at, record = excluded.record
    WHERE (NOT r.completed AND r.owner = excluded.owner)
        OR (r.completed AND r.until <= clock_timestamp())
    RETURNING r.xmin = pg_current_xact_id()::xid AS outermost
)
SELECT here.mark = 'open ' || $6 AS open, here.mark = 'over ' || $6 AS over,
    (SELECT outermost FROM written) AS outermost
FROM here
