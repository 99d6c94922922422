CREATE TABLE IF NOT EXISTS idem_records (
    key BLOB NOT NULL PRIMARY KEY,
    owner BLOB NOT NULL,
    completed INTEGER NOT NULL,
    until INTEGER NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS idem_until ON idem_records (until);
CREATE TABLE IF NOT EXISTS idem_schema (
    version INTEGER PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO idem_schema (version) VALUES (1) ON CONFLICT (version) DO NOTHING;
