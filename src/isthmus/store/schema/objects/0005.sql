-- What the server owes somebody outside a request: event notifications, replicas, access logs, inventory reports.
-- An entry is written in the transaction that makes the change it tells of, and removed once it is delivered.

-- Where entries go. Those of one lane are delivered in order; lanes do not wait for each other. A lane has entries:
-- it goes with its last one.
CREATE TABLE outbox_lanes (
    id INTEGER PRIMARY KEY,               -- from outbox_sequence, like those of entries
    kind TEXT NOT NULL,                   -- notification, replication, access-log, inventory
    address TEXT NOT NULL,                -- what the kind needs to know to deliver: an ARN, or JSON
    due REAL NOT NULL,                    -- not before
    failures INTEGER NOT NULL,            -- attempts in a row that failed
    UNIQUE (kind, address)
);
CREATE INDEX outbox_lanes_by_due ON outbox_lanes (kind, due);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,               -- larger is later
    lane INTEGER NOT NULL REFERENCES outbox_lanes(id),
    change INTEGER NOT NULL,              -- the number of the change it tells of, which entries may share
    written REAL NOT NULL,
    subject TEXT,                         -- whose other entries matter: a version that is being replicated
    payload TEXT NOT NULL
);
CREATE INDEX outbox_by_lane ON outbox (lane, id);
CREATE INDEX outbox_by_subject ON outbox (subject) WHERE subject IS NOT NULL;

-- Numbers lanes, entries and the changes they tell of: one row. No number is given twice. The database's own row ids
-- would be, once the outbox is empty: a new entry would be taken for one that is done with, a later change for an
-- earlier one.
CREATE TABLE outbox_sequence (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
);
INSERT INTO outbox_sequence (one, value) VALUES (1, 0);

-- PENDING, COMPLETED, FAILED, REPLICA; NULL for a version that no replication rule applies to.
ALTER TABLE object_versions ADD COLUMN replication_status TEXT;

-- The last period (days or weeks since the epoch) for which an inventory report was asked for.
CREATE TABLE inventory_periods (
    bucket_id INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    period INTEGER NOT NULL,
    PRIMARY KEY (bucket_id, configuration)
);
