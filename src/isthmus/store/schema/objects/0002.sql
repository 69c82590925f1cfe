-- How the bytes of a version are encrypted: a sealed data key, or JSON, see s3/object_keys; NULL for bytes kept as they
-- are. Parts of a multipart object are encrypted under the key of the object. An upload keeps it in `settings`.
ALTER TABLE object_versions ADD COLUMN encryption BLOB;
