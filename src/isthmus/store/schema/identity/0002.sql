-- KMS: keys, their material, aliases and grants. Times are seconds since the epoch.

CREATE TABLE kms_keys (
    arn TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts(id),
    region TEXT NOT NULL,
    manager TEXT NOT NULL,                -- CUSTOMER, AWS
    spec TEXT NOT NULL,                   -- SYMMETRIC_DEFAULT, HMAC_256, RSA_2048, ECC_NIST_P256 …
    usage TEXT NOT NULL,                  -- ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, SIGN_VERIFY
    description TEXT NOT NULL,
    state TEXT NOT NULL,                  -- Enabled, Disabled, PendingDeletion
    deletion REAL,                        -- when a key in PendingDeletion goes
    policy TEXT NOT NULL,
    policy_principal_ids TEXT NOT NULL,   -- JSON: principal ARN in the policy -> unique id it meant
    rotation_days INTEGER,                -- NULL: no automatic rotation
    next_rotation REAL,
    tags TEXT NOT NULL DEFAULT '{}',      -- JSON object
    created REAL NOT NULL
);
CREATE INDEX kms_keys_by_account ON kms_keys (account, region, id);
CREATE INDEX kms_keys_by_deletion ON kms_keys (deletion) WHERE deletion IS NOT NULL;
CREATE INDEX kms_keys_by_rotation ON kms_keys (next_rotation) WHERE next_rotation IS NOT NULL;

-- The newest material of a key encrypts, all of them decrypt.
CREATE TABLE kms_key_material (
    id TEXT PRIMARY KEY,                  -- 64 hex digits
    key_arn TEXT NOT NULL REFERENCES kms_keys(arn),
    number INTEGER NOT NULL,              -- 1 for the first material of the key
    sealed BLOB NOT NULL,
    rotation TEXT,                        -- AUTOMATIC, ON_DEMAND; NULL for the first
    created REAL NOT NULL,
    UNIQUE (key_arn, number)
);

CREATE TABLE kms_aliases (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,                   -- with alias/
    key_arn TEXT NOT NULL REFERENCES kms_keys(arn),
    created REAL NOT NULL,
    updated REAL NOT NULL
);
CREATE INDEX kms_aliases_by_account ON kms_aliases (account, region, name);
CREATE INDEX kms_aliases_by_key ON kms_aliases (key_arn);

-- grantee, retiring: ARN or service name as it was given; …_id: the unique id that a user's or role's ARN meant.
CREATE TABLE kms_grants (
    id TEXT PRIMARY KEY,                  -- 64 hex digits
    key_arn TEXT NOT NULL REFERENCES kms_keys(arn),
    name TEXT NOT NULL,
    grantee TEXT NOT NULL,
    grantee_id TEXT,
    retiring TEXT,
    retiring_id TEXT,
    operations TEXT NOT NULL,             -- JSON list
    constraints TEXT NOT NULL,            -- JSON: EncryptionContextSubset, EncryptionContextEquals, SourceArn
    issuing_account TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX kms_grants_by_key ON kms_grants (key_arn, id);
CREATE INDEX kms_grants_by_retiring ON kms_grants (retiring);
