-- The objects database: versions of objects, multipart uploads, and facts that change with use.
-- A content may be named by several rows (CopyObject shares it); it is removed when none is left.
-- Keys are bytes (UTF-8), so that they compare as S3 orders them. Times are seconds since the epoch.

-- A bucket that takes objects. CreateBucket adds the row before, DeleteBucket removes it (in the transaction
-- that finds the bucket empty) before the identity database follows.
CREATE TABLE live_buckets (
    id INTEGER PRIMARY KEY
);

CREATE TABLE object_versions (
    id INTEGER PRIMARY KEY,
    bucket_id INTEGER NOT NULL REFERENCES live_buckets(id),
    key BLOB NOT NULL,
    -- Larger is newer; versions of one key are ordered by it.
    sequence INTEGER NOT NULL,
    version_id TEXT NOT NULL,             -- 'null' for the null version
    is_current INTEGER NOT NULL,
    is_delete_marker INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,                   -- without quotes
    modified REAL NOT NULL,
    owner TEXT NOT NULL,                  -- account id
    storage_class TEXT NOT NULL,
    content TEXT,                         -- id of the content unless inline; of a multipart object: NULL, see object_parts
    metadata TEXT NOT NULL,               -- JSON: content-type and other stored headers, user metadata
    checksum TEXT,                        -- JSON: algorithm, value, type (FULL_OBJECT or COMPOSITE)
    tags TEXT,                            -- JSON object
    acl TEXT,                             -- JSON; NULL is the owner's private ACL
    parts INTEGER,                        -- number of parts of a multipart object
    lock_mode TEXT,
    lock_until REAL,
    legal_hold INTEGER NOT NULL DEFAULT 0,
    inline_bytes BLOB                     -- the content when it is small; last, so that listing never reads past it
);
CREATE UNIQUE INDEX object_versions_by_key ON object_versions (bucket_id, key, sequence);
CREATE UNIQUE INDEX current_objects ON object_versions (bucket_id, key) WHERE is_current = 1;
CREATE UNIQUE INDEX object_versions_by_id ON object_versions (bucket_id, key, version_id);
CREATE INDEX object_versions_by_content ON object_versions (content) WHERE content IS NOT NULL;

-- The pieces of a multipart object, in order: each with its own content.
CREATE TABLE object_parts (
    object_id INTEGER NOT NULL REFERENCES object_versions(id),
    number INTEGER NOT NULL,
    offset_in_object INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT,
    inline_bytes BLOB,
    content TEXT,
    PRIMARY KEY (object_id, number)
);
CREATE INDEX object_parts_by_content ON object_parts (content) WHERE content IS NOT NULL;

CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    bucket_id INTEGER NOT NULL REFERENCES live_buckets(id),
    key BLOB NOT NULL,
    initiated REAL NOT NULL,
    initiator_arn TEXT NOT NULL,
    initiator_account TEXT NOT NULL,
    owner TEXT NOT NULL,
    settings TEXT NOT NULL                -- JSON: all that CreateMultipartUpload decides about the object
);
CREATE INDEX uploads_by_key ON uploads (bucket_id, key, initiated, id);

CREATE TABLE upload_parts (
    upload_id TEXT NOT NULL REFERENCES uploads(id),
    number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT,
    inline_bytes BLOB,
    content TEXT,
    modified REAL NOT NULL,
    PRIMARY KEY (upload_id, number)
);
CREATE INDEX upload_parts_by_content ON upload_parts (content) WHERE content IS NOT NULL;

-- An upload that was completed, kept for a while so that a repeated CompleteMultipartUpload gets its answer again.
CREATE TABLE completed_uploads (
    upload_id TEXT PRIMARY KEY,
    completed REAL NOT NULL,
    answer TEXT NOT NULL
);

-- Contents that no row names any more and whose bytes are still to be removed. Written in the same
-- transaction that dropped the last name, emptied by the sweeper.
CREATE TABLE unnamed_contents (
    content TEXT PRIMARY KEY,
    since REAL NOT NULL
);

-- One-time password steps already used: a code is accepted once.
CREATE TABLE used_mfa_codes (
    serial TEXT NOT NULL,
    step INTEGER NOT NULL,
    PRIMARY KEY (serial, step)
);

-- Wrong one-time passwords by the step in which they were tried: too many of late close the device for a while.
CREATE TABLE failed_mfa_codes (
    serial TEXT NOT NULL,
    step INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    PRIMARY KEY (serial, step)
);

-- When an access key or a role was last used. Kept out of the identity database, whose changes empty caches.
CREATE TABLE last_used (
    id TEXT PRIMARY KEY,
    used REAL NOT NULL,
    service TEXT NOT NULL,
    region TEXT NOT NULL
);
