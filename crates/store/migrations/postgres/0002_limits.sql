-- Virtual keys. The terms are those of the ledger's own entry; the label and the moment of revocation stand here alone.
CREATE TABLE keys (
    id      TEXT PRIMARY KEY,
    owner   TEXT NOT NULL,
    label   TEXT NOT NULL,
    terms   TEXT NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);
CREATE INDEX keys_by_owner ON keys (owner);

-- What was used, by account (a key, an owner, everybody) and period (a UTC day or month): by the records, and as far as
-- nobody knows what a call came to, by its estimate.
CREATE TABLE spend (
    account        TEXT NOT NULL,
    period         TEXT NOT NULL,
    cost           BIGINT NOT NULL,
    assumed_cost   BIGINT NOT NULL,
    tokens         BIGINT NOT NULL,
    assumed_tokens BIGINT NOT NULL,
    requests       BIGINT NOT NULL,
    PRIMARY KEY (account, period)
);

-- What calls under way may come to, and the gateway that makes them.
CREATE TABLE reservations (
    record  BYTEA NOT NULL,
    account TEXT NOT NULL,
    period  TEXT NOT NULL,
    gateway TEXT NOT NULL,
    cost    BIGINT NOT NULL,
    tokens  BIGINT NOT NULL,
    PRIMARY KEY (record, account, period)
);
CREATE INDEX reservations_by_account ON reservations (account, period);

-- What is left of the requests and the tokens of a minute, in sixtieths, and when it was, in seconds since 1970 by the
-- database's clock. Gateways that share the ledger take slices of it.
CREATE TABLE rates (
    bucket TEXT PRIMARY KEY,
    level  BIGINT NOT NULL,
    filled BIGINT NOT NULL
);
