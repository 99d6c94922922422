SELECT completed AND until > clock_timestamp() AS kept, owner = $2 AS own
FROM idem_records WHERE key = $1 FOR UPDATE
