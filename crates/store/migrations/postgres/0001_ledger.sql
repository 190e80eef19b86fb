-- Whose ledger this is: the name of the key that signs it.
CREATE TABLE ledger (
    origin TEXT PRIMARY KEY
);

-- The leaves of the ledger, in order: what each states, and its hash in the tree.
CREATE TABLE leaves (
    leaf_index BIGINT PRIMARY KEY,
    record     BYTEA NOT NULL,
    part       BIGINT NOT NULL,
    kind       BIGINT NOT NULL,
    commitment BYTEA NOT NULL,
    hash       BYTEA NOT NULL
);
CREATE UNIQUE INDEX leaves_by_record ON leaves (record, part);
-- Those that are no halves of records: snapshots, erasures, retentions.
CREATE INDEX leaves_by_kind ON leaves (kind, leaf_index) WHERE kind > 1;

-- The roots of whole tiles: every eighth level of the Merkle tree above the leaves.
CREATE TABLE nodes (
    level    BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    PRIMARY KEY (level, position)
);

-- Signed checkpoints: the newest, and the last of every 256 leaves.
CREATE TABLE checkpoints (
    size BIGINT PRIMARY KEY,
    note TEXT NOT NULL
);

-- What witnesses signed under checkpoints.
CREATE TABLE cosignatures (
    size    BIGINT NOT NULL,
    witness TEXT NOT NULL,
    line    TEXT NOT NULL,
    PRIMARY KEY (size, witness)
);

-- Entries that are durable and wait to be put under the tree by whichever gateway comes first.
CREATE TABLE pending (
    sequence   BIGSERIAL PRIMARY KEY,
    record     BYTEA NOT NULL,
    part       BIGINT NOT NULL,
    kind       BIGINT NOT NULL,
    commitment BYTEA NOT NULL,
    mac        BYTEA NOT NULL
);

-- What entries say that are no halves of records. Those halves are filed by week, in tables of their own.
CREATE TABLE bodies (
    record BYTEA NOT NULL,
    part   BIGINT NOT NULL,
    salt   BYTEA NOT NULL,
    body   BYTEA NOT NULL,
    PRIMARY KEY (record, part)
);

-- Records whose intent has no completion yet, and the gateway that answers them.
CREATE TABLE open_records (
    record  BYTEA PRIMARY KEY,
    gateway TEXT NOT NULL
);

-- Gateways, and when each was last heard of, in seconds since 1970 by the database's clock.
CREATE TABLE gateways (
    id   TEXT PRIMARY KEY,
    seen BIGINT NOT NULL
);

-- People: the pseudonym that records carry, the name it stands for, and the key of their texts.
CREATE TABLE subjects (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    key  BYTEA NOT NULL
);
