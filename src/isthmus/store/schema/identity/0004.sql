-- Trails of the audit trail, and the keys that sign their digests.

CREATE TABLE trails (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    bucket TEXT NOT NULL,
    prefix TEXT NOT NULL DEFAULT '',
    global_events INTEGER NOT NULL,
    multi_region INTEGER NOT NULL,
    organization TEXT,                    -- whose members' events it logs; NULL: the account's own
    log_file_validation INTEGER NOT NULL,
    kms_key TEXT,
    event_selectors TEXT,                 -- JSON; NULL where none were put
    advanced_event_selectors TEXT,        -- JSON; at most one of the two is there
    logging INTEGER NOT NULL,
    started REAL,
    stopped REAL,
    created REAL NOT NULL,
    UNIQUE (account, region, name)
);

-- private_key: PKCS #8, sealed under the master key. public_key: PKCS #1, DER.
CREATE TABLE trail_signing_keys (
    fingerprint TEXT PRIMARY KEY,
    private_key BLOB NOT NULL,
    public_key BLOB NOT NULL,
    valid_from REAL NOT NULL,
    valid_until REAL NOT NULL
);
