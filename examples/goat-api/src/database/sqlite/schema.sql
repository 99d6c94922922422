-- `seq` is the order in which rows came; the ids of two processes have no such order within one millisecond.

CREATE TABLE IF NOT EXISTS goats (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    id    TEXT NOT NULL UNIQUE,
    name  TEXT NOT NULL,
    owner TEXT NOT NULL,
    breed TEXT NOT NULL
) STRICT;

-- `folded` is the name as names compare; `price` is text, as SQLite has no exact decimals.
CREATE TABLE IF NOT EXISTS catalog (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    goat_id     TEXT NOT NULL REFERENCES goats (id),
    folded      TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    price       TEXT NOT NULL,
    UNIQUE (goat_id, folded)
) STRICT;

CREATE TABLE IF NOT EXISTS orders (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    id    TEXT NOT NULL UNIQUE,
    total TEXT NOT NULL,
    date  TEXT NOT NULL
) STRICT;

-- What was ordered, as it was asked for: the catalog may change afterwards.
CREATE TABLE IF NOT EXISTS order_items (
    order_id     TEXT NOT NULL REFERENCES orders (id),
    position     INTEGER NOT NULL,
    goat_id      TEXT NOT NULL REFERENCES goats (id),
    catalog_item TEXT NOT NULL,
    quantity     INTEGER NOT NULL,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;
