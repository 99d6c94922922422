PRAGMA synchronous = FULL;
BEGIN IMMEDIATE;
CREATE TEMP TABLE IF NOT EXISTS idem_transaction (mark TEXT NOT NULL);
DELETE FROM temp.idem_transaction;
INSERT INTO temp.idem_transaction VALUES ('$mark')
