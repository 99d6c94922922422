-- Says that these tables are the market's, and of which version.
CREATE TABLE goat_market (
    version integer NOT NULL
);

-- `seq` is the order in which rows came; the ids of two processes have no such order within one millisecond.
CREATE TABLE goats (
    seq   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id    text NOT NULL UNIQUE,
    name  text NOT NULL,
    owner text NOT NULL,
    breed text NOT NULL
);

-- `folded` is a SHA-256 of the name as names compare: a name may be longer than what an index takes.
-- `price` keeps its digits: 19.90 is not 19.9 to whoever wrote it.
CREATE TABLE catalog (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    goat_id     text NOT NULL REFERENCES goats (id),
    folded      bytea NOT NULL,
    name        text NOT NULL,
    description text NOT NULL,
    price       text NOT NULL,
    UNIQUE (goat_id, folded)
);

CREATE TABLE orders (
    seq   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id    text NOT NULL UNIQUE,
    total text NOT NULL,
    date  text NOT NULL
);

-- What was ordered, as it was asked for: the catalog may change afterwards.
CREATE TABLE order_items (
    order_id     text NOT NULL REFERENCES orders (id),
    position     bigint NOT NULL,
    goat_id      text NOT NULL REFERENCES goats (id),
    catalog_item text NOT NULL,
    quantity     bigint NOT NULL,
    PRIMARY KEY (order_id, position)
);
