-- The identity database: accounts, IAM entities and the configuration of buckets.
-- It changes rarely and is read on every request, so workers cache what they read until it changes.
-- Times are seconds since the epoch. `*_folded` columns hold the lower-cased name: IAM names are unique
-- regardless of case. Secrets are sealed under the master key before they reach a column.

-- What the operator set for the whole server; values are JSON.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    alias TEXT UNIQUE,
    canonical_id TEXT NOT NULL UNIQUE,
    root_password TEXT,
    public_access_block TEXT,
    created REAL NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    path TEXT NOT NULL,
    boundary TEXT,
    created REAL NOT NULL,
    UNIQUE (account, name_folded)
);

CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    path TEXT NOT NULL,
    created REAL NOT NULL,
    UNIQUE (account, name_folded)
);

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES groups(id),
    user_id TEXT NOT NULL REFERENCES users(id),
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_by_user ON group_members (user_id);

CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT,
    max_session_duration INTEGER NOT NULL,
    boundary TEXT,
    trust_policy TEXT NOT NULL,
    trust_principal_ids TEXT NOT NULL DEFAULT '{}',  -- JSON: principal ARN in the document -> unique id it meant
    created REAL NOT NULL,
    UNIQUE (account, name_folded)
);

-- Customer managed policies. AWS managed ones are package data.
CREATE TABLE policies (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    arn TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT,
    default_version INTEGER NOT NULL,
    last_version INTEGER NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    UNIQUE (account, name_folded)
);

CREATE TABLE policy_versions (
    policy_id TEXT NOT NULL REFERENCES policies(id),
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (policy_id, version)
);

-- entity_id: a user's, group's or role's unique id. `position` keeps the order of attachment.
CREATE TABLE attached_policies (
    account TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    policy_arn TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (entity_id, policy_arn)
);
CREATE INDEX attached_policies_by_policy ON attached_policies (account, policy_arn);

CREATE TABLE inline_policies (
    entity_id TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (entity_id, name)
);

-- user_id is NULL for the account's root user.
CREATE TABLE access_keys (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    user_id TEXT REFERENCES users(id),
    secret BLOB NOT NULL,
    active INTEGER NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX access_keys_by_user ON access_keys (account, user_id);

-- Virtual MFA devices. enabled IS NULL until EnableMFADevice; owner_id is a user's id or the account id (root).
CREATE TABLE mfa_devices (
    serial TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    seed BLOB NOT NULL,
    owner_id TEXT,
    enabled REAL,
    drift INTEGER NOT NULL DEFAULT 0,  -- 30-second steps by which the device's clock differs from ours
    created REAL NOT NULL
);
CREATE INDEX mfa_devices_by_owner ON mfa_devices (account, owner_id);

CREATE TABLE login_profiles (
    user_id TEXT PRIMARY KEY REFERENCES users(id),
    password TEXT NOT NULL,
    previous_passwords TEXT NOT NULL DEFAULT '[]',  -- JSON: hashes, the newest first
    reset_required INTEGER NOT NULL,
    created REAL NOT NULL,
    changed REAL                          -- when the password was last set; NULL is `created`
);

-- What UpdateAccountPasswordPolicy set (JSON of its input); no row is AWS's default policy.
CREATE TABLE password_policies (
    account TEXT PRIMARY KEY REFERENCES accounts(id),
    document TEXT NOT NULL
);

-- The last credential report of each account (CSV).
CREATE TABLE credential_reports (
    account TEXT PRIMARY KEY REFERENCES accounts(id),
    content BLOB NOT NULL,
    generated REAL NOT NULL
);

-- OpenID Connect providers. url: the issuer as tokens name it, with its scheme. Lists are JSON.
CREATE TABLE oidc_providers (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    url TEXT NOT NULL,
    client_ids TEXT NOT NULL,
    thumbprints TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX oidc_providers_by_account ON oidc_providers (account);

-- private_keys: JSON of {"id", "added", "sealed"}: the key itself is sealed under the master key.
CREATE TABLE saml_providers (
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    id TEXT NOT NULL UNIQUE,
    metadata TEXT NOT NULL,
    valid_until REAL NOT NULL,
    encryption TEXT,                      -- Required, Allowed
    private_keys TEXT NOT NULL DEFAULT '[]',
    created REAL NOT NULL
);
CREATE INDEX saml_providers_by_account ON saml_providers (account);

CREATE TABLE instance_profiles (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    path TEXT NOT NULL,
    role_id TEXT REFERENCES roles(id),
    created REAL NOT NULL,
    UNIQUE (account, name_folded)
);
CREATE INDEX instance_profiles_by_role ON instance_profiles (role_id);

CREATE TABLE server_certificates (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    path TEXT NOT NULL,
    body TEXT NOT NULL,
    chain TEXT,
    private_key BLOB NOT NULL,            -- sealed
    expires REAL NOT NULL,
    created REAL NOT NULL,
    UNIQUE (account, name_folded)
);

-- user_id is NULL for the account's root user.
CREATE TABLE signing_certificates (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    user_id TEXT REFERENCES users(id),
    body TEXT NOT NULL,
    fingerprint TEXT NOT NULL,            -- SHA-256 of the certificate, hex
    status TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX signing_certificates_by_user ON signing_certificates (account, user_id);

CREATE TABLE ssh_public_keys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users(id),
    body TEXT NOT NULL,                   -- as it was uploaded
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX ssh_public_keys_by_user ON ssh_public_keys (user_id);

-- What DeleteServiceLinkedRole was asked to do; roles go at once, so every task has succeeded.
CREATE TABLE role_deletions (
    task TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts(id),
    deleted REAL NOT NULL
);

-- resource: a unique id (AIDA…, AROA…, ANPA…) or, for an MFA device or identity provider, its ARN.
CREATE TABLE tags (
    resource TEXT NOT NULL,
    key_folded TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (resource, key_folded)
);

CREATE TABLE buckets (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES accounts(id),
    region TEXT NOT NULL,
    versioning TEXT NOT NULL DEFAULT '',  -- '', 'Enabled', 'Suspended'
    mfa_delete TEXT NOT NULL DEFAULT '',
    ownership TEXT NOT NULL,              -- BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter
    acl TEXT,                             -- JSON; NULL is the owner's private ACL
    policy TEXT,
    policy_principal_ids TEXT NOT NULL DEFAULT '{}',
    public_access_block TEXT,             -- JSON; NULL when deleted
    object_lock INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL
);
CREATE INDEX buckets_by_account ON buckets (account, name);

-- Configurations that S3 stores and returns as documents: tagging, cors, lifecycle, encryption, website …
CREATE TABLE bucket_configurations (
    bucket_id INTEGER NOT NULL REFERENCES buckets(id),
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (bucket_id, kind)
);
