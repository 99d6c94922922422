DELETE FROM idem_records r WHERE key = $1 AND owner = $2 AND NOT completed
RETURNING coalesce(
    (SELECT n.until FROM idem_renewals n
        WHERE n.key = r.key AND n.owner = r.owner AND n.base = r.until),
    r.until) > clock_timestamp() AS live
