DELETE FROM idem_records r
WHERE key = ANY ($1)
    AND CASE
        WHEN completed THEN until
        ELSE coalesce(
            (SELECT n.until FROM idem_renewals n
                WHERE n.key = r.key AND n.owner = r.owner AND n.base = r.until),
            until)
    END <= now()
