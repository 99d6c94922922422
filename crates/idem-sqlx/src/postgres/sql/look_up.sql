SELECT record, left_us FROM (
    SELECT r.record,
        (extract(epoch FROM
            CASE WHEN r.completed THEN r.until ELSE coalesce(n.until, r.until) END
            - clock_timestamp()) * 1000000)::bigint AS left_us
    FROM idem_records r
    LEFT JOIN idem_renewals n ON n.key = r.key AND n.owner = r.owner AND n.base = r.until
    WHERE r.key = $1
) f WHERE left_us > 0
