-- The leaves of the ledger, in order.
CREATE TABLE entries (
    leaf_index INTEGER PRIMARY KEY,
    record     BLOB NOT NULL,
    kind       TEXT NOT NULL,
    body       BLOB NOT NULL
) STRICT;
CREATE INDEX entries_by_record ON entries (record);

-- The perfect subtrees of the Merkle tree, leaves included.
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

-- Records whose intent has no completion yet.
CREATE TABLE open_records (
    record     BLOB PRIMARY KEY,
    leaf_index INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What must be erasable: the salts of commitments, and texts where they are kept.
CREATE TABLE payloads (
    record   BLOB PRIMARY KEY,
    salt     BLOB NOT NULL,
    request  BLOB,
    response BLOB
) STRICT, WITHOUT ROWID;
