INSERT INTO idem_records AS r (key, owner, completed, until, sweep_at, record)
VALUES ($1, $2, true,
    clock_timestamp() + $4::bigint * interval '1 microsecond',
    clock_timestamp() + $4::bigint * interval '1 microsecond',
    $3)
ON CONFLICT (key) DO UPDATE SET
    owner = excluded.owner, completed = true,
    until = CASE WHEN r.completed AND r.until > clock_timestamp() THEN r.until ELSE excluded.until END,
    sweep_at = CASE WHEN r.completed AND r.until > clock_timestamp() THEN r.sweep_at ELSE excluded.sweep_at END,
    record = CASE WHEN r.completed AND r.until > clock_timestamp() THEN r.record ELSE excluded.record END
WHERE r.owner = excluded.owner OR (r.completed AND r.until <= clock_timestamp())
