SELECT count(*) FROM temp.idem_transaction WHERE mark = ?1
