DELETE FROM idem_renewals WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idem_renewals
    WHERE until <= now() AND base <= now()
    LIMIT $1 FOR UPDATE SKIP LOCKED))
