-- Whose ledger this is: the name of the key that signs it.
CREATE TABLE ledger (
    origin TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The leaves of the ledger, in order: what each states, and its hash in the tree.
CREATE TABLE leaves (
    leaf_index INTEGER PRIMARY KEY,
    record     BLOB NOT NULL,
    part       INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    commitment BLOB NOT NULL,
    hash       BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX leaves_by_record ON leaves (record, part);
-- Those that are no halves of records: snapshots, erasures, retentions.
CREATE INDEX leaves_by_kind ON leaves (kind, leaf_index) WHERE kind > 1;

-- The roots of whole tiles: every eighth level of the Merkle tree above the leaves.
CREATE TABLE nodes (
    level    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

-- Signed checkpoints: the newest, and the last of every 256 leaves.
CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL
) STRICT;

-- What witnesses signed under checkpoints.
CREATE TABLE cosignatures (
    size    INTEGER NOT NULL,
    witness TEXT NOT NULL,
    line    TEXT NOT NULL,
    PRIMARY KEY (size, witness)
) STRICT, WITHOUT ROWID;

-- Entries that are durable and wait to be put under the tree. Empty here: SQLite does both at once.
CREATE TABLE pending (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    record     BLOB NOT NULL,
    part       INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    commitment BLOB NOT NULL,
    mac        BLOB NOT NULL
) STRICT;

-- What entries say that are no halves of records. Those halves are filed by week, in tables of their own.
CREATE TABLE bodies (
    record BLOB NOT NULL,
    part   INTEGER NOT NULL,
    salt   BLOB NOT NULL,
    body   BLOB NOT NULL,
    PRIMARY KEY (record, part)
) STRICT;

-- Records whose intent has no completion yet, and the gateway that answers them.
CREATE TABLE open_records (
    record  BLOB PRIMARY KEY,
    gateway TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Gateways, and when each was last heard of, in seconds since 1970 by the database's clock.
CREATE TABLE gateways (
    id   TEXT PRIMARY KEY,
    seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- People: the pseudonym that records carry, the name it stands for, and the key of their texts.
CREATE TABLE subjects (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    key  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
