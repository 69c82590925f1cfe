-- The audit trail and the explanations of refusals: written by every worker in batches, read now and then.
-- Times are seconds since the epoch.

-- Management events of the last 90 days, one row for each account that received one. Rows are never changed.
CREATE TABLE trail_events (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    time REAL NOT NULL,
    event_id TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    read_only INTEGER NOT NULL,
    username TEXT NOT NULL,
    access_key TEXT NOT NULL,
    resources TEXT NOT NULL,              -- JSON: [[type, name], …]
    record BLOB NOT NULL                  -- the record's JSON, compressed by zlib
);
CREATE INDEX trail_events_by_time ON trail_events (account, region, time, id);
CREATE INDEX trail_events_by_name ON trail_events (account, region, name, time, id);
CREATE INDEX trail_events_by_username ON trail_events (account, region, username, time, id);
CREATE INDEX trail_events_by_access_key ON trail_events (account, region, access_key, time, id) WHERE access_key <> '';
CREATE INDEX trail_events_by_source ON trail_events (account, region, source, time, id);
CREATE INDEX trail_events_by_event_id ON trail_events (account, region, event_id, time, id);

-- The resources of those events, by type and name. kind: 't' for the type, 'n' for the name.
CREATE TABLE trail_event_resources (
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    time REAL NOT NULL,
    event INTEGER NOT NULL REFERENCES trail_events(id),
    PRIMARY KEY (account, kind, value, time, event)
);
CREATE INDEX trail_event_resources_by_event ON trail_event_resources (event);

-- What trails still have to deliver, in the order of recording.
CREATE TABLE trail_queue (
    id INTEGER PRIMARY KEY,
    trail TEXT NOT NULL,                  -- ARN
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    time REAL NOT NULL,
    queued REAL NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX trail_queue_by_trail ON trail_queue (trail, id);

-- How deliveries went. Kept out of the identity database, whose changes empty caches.
CREATE TABLE trail_deliveries (
    trail TEXT PRIMARY KEY,
    attempted REAL,
    delivered REAL,
    error TEXT,
    digest_attempted REAL,
    digest_delivered REAL,
    digest_error TEXT
);

-- Log files that the next digest names.
CREATE TABLE trail_log_files (
    trail TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key TEXT NOT NULL,
    bucket TEXT NOT NULL,
    hash TEXT NOT NULL,                   -- SHA-256 of the uncompressed file, hex
    oldest REAL NOT NULL,
    newest REAL NOT NULL,
    delivered REAL NOT NULL,
    PRIMARY KEY (trail, account, region, key)
);

-- The last digest of each chain: the next one names it.
CREATE TABLE trail_digests (
    trail TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    ended REAL NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    hash TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (trail, account, region)
);

-- Encoded authorization messages of refusals, found by request id. A few of each asker are kept.
CREATE TABLE denials (
    request_id TEXT PRIMARY KEY,
    asker TEXT NOT NULL,                  -- account; of unsigned requests 'anonymous/' and the owner's account
    time REAL NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX denials_by_asker ON denials (asker, time);
