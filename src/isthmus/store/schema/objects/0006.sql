-- Lifecycle rules and restored copies of archived objects.

-- When a version stopped being the current one: the moment its successor was committed, which a successor's own
-- `modified` does not say (that of a multipart upload is when the upload began). NULL for current versions.
ALTER TABLE object_versions ADD COLUMN noncurrent_since REAL;

-- Until when a temporary copy of an archived object (GLACIER, DEEP_ARCHIVE) can be read; NULL: never restored.
ALTER TABLE object_versions ADD COLUMN restored_until REAL;

UPDATE object_versions SET noncurrent_since = (
    SELECT MIN(newer.modified) FROM object_versions AS newer
    WHERE newer.bucket_id = object_versions.bucket_id AND newer.key = object_versions.key
        AND newer.sequence > object_versions.sequence
) WHERE is_current = 0;

-- Holds all that decides whether a noncurrent version can be due, so that most are passed by without reading them.
CREATE INDEX noncurrent_versions ON object_versions (bucket_id, key, sequence, noncurrent_since, is_current)
    WHERE is_current = 0;

-- Made anew: of two indexes that serve alike SQLite takes the younger, and the walk over current objects must not go
-- through all versions of a key.
DROP INDEX current_objects;
CREATE UNIQUE INDEX current_objects ON object_versions (bucket_id, key) WHERE is_current = 1;

-- How far the lifecycle rules of a bucket were carried out: what was due at the beginning of lifecycle day `day`
-- by the rules in `configuration` (their fingerprint) is done up to the position. phase: `noncurrent`, `current`,
-- `uploads` (after `key`, and within it after `sequence` or `upload_id`), or `done`.
CREATE TABLE lifecycle_passes (
    bucket_id INTEGER PRIMARY KEY REFERENCES live_buckets(id) ON DELETE CASCADE,
    configuration TEXT NOT NULL,
    day INTEGER NOT NULL,
    phase TEXT NOT NULL,
    key BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    upload_id TEXT NOT NULL
);
