CREATE TABLE IF NOT EXISTS idem_records (
    key bytea PRIMARY KEY,
    owner bytea NOT NULL,
    completed boolean NOT NULL,
    until timestamptz NOT NULL,
    sweep_at timestamptz NOT NULL,
    record bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
ALTER TABLE idem_records ALTER COLUMN record SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS idem_sweep_at ON idem_records (sweep_at);
CREATE TABLE IF NOT EXISTS idem_renewals (
    key bytea PRIMARY KEY,
    owner bytea NOT NULL,
    base timestamptz NOT NULL,
    until timestamptz NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE IF NOT EXISTS idem_schema (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO idem_schema (version) VALUES (1) ON CONFLICT (version) DO NOTHING;
