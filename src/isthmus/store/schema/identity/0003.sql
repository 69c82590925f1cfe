-- Organizations: accounts under one management account, in a tree of organizational units, and the policies
-- attached to its root, units and accounts.

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    management_account TEXT NOT NULL UNIQUE REFERENCES accounts(id),
    feature_set TEXT NOT NULL,            -- ALL, CONSOLIDATED_BILLING
    root_id TEXT NOT NULL UNIQUE,
    created REAL NOT NULL
);

-- Policy types that are enabled in the root.
CREATE TABLE organization_policy_types (
    organization TEXT NOT NULL REFERENCES organizations(id),
    type TEXT NOT NULL,
    PRIMARY KEY (organization, type)
);

-- parent: the root's id or another unit's.
CREATE TABLE organizational_units (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations(id),
    parent TEXT NOT NULL,
    name TEXT NOT NULL,
    created REAL NOT NULL,
    UNIQUE (parent, name)
);
CREATE INDEX organizational_units_by_organization ON organizational_units (organization);

-- The management account is a row too. closed: when CloseAccount was called.
CREATE TABLE organization_accounts (
    account TEXT PRIMARY KEY REFERENCES accounts(id),
    organization TEXT NOT NULL REFERENCES organizations(id),
    parent TEXT NOT NULL,
    joined_method TEXT NOT NULL,          -- INVITED, CREATED
    joined REAL NOT NULL,
    closed REAL
);
CREATE INDEX organization_accounts_by_organization ON organization_accounts (organization);
CREATE INDEX organization_accounts_by_parent ON organization_accounts (parent);

-- Customers' policies. AWS's own (p-FullAWSAccess) are in the code and are attached by their ids.
CREATE TABLE organization_policies (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations(id),
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    content TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    UNIQUE (organization, type, name)
);

-- target: the id of the root, of a unit or of an account. position: the order of attachment.
CREATE TABLE organization_attachments (
    organization TEXT NOT NULL REFERENCES organizations(id),
    target TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    type TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (target, policy_id)
);
CREATE INDEX organization_attachments_by_policy ON organization_attachments (policy_id, organization);

-- account: who was asked, where known; party: as the sender named it. parent: of the handshakes that one with
-- many parties is made of. tags: JSON, for an account that joins. ended: when it was answered or cancelled.
CREATE TABLE handshakes (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    management_account TEXT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    account TEXT,
    party_type TEXT NOT NULL,
    party TEXT NOT NULL,
    notes TEXT,
    tags TEXT NOT NULL DEFAULT '{}',
    parent TEXT,
    requested REAL NOT NULL,
    expires REAL NOT NULL,
    ended REAL
);
CREATE INDEX handshakes_by_organization ON handshakes (organization);
CREATE INDEX handshakes_by_account ON handshakes (account);

CREATE TABLE account_creations (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    state TEXT NOT NULL,                  -- SUCCEEDED, FAILED
    failure TEXT,
    account TEXT,
    requested REAL NOT NULL,
    completed REAL
);
CREATE INDEX account_creations_by_organization ON account_creations (organization);

-- AWS services with trusted access.
CREATE TABLE organization_services (
    organization TEXT NOT NULL REFERENCES organizations(id),
    service TEXT NOT NULL,
    enabled REAL NOT NULL,
    PRIMARY KEY (organization, service)
);

CREATE TABLE delegated_administrators (
    organization TEXT NOT NULL REFERENCES organizations(id),
    account TEXT NOT NULL REFERENCES accounts(id),
    service TEXT NOT NULL,
    enabled REAL NOT NULL,
    PRIMARY KEY (account, service)
);
CREATE INDEX delegated_administrators_by_organization ON delegated_administrators (organization);

-- The resource-based policy by which an organization delegates, with the ids its principals meant.
CREATE TABLE organization_resource_policies (
    organization TEXT PRIMARY KEY REFERENCES organizations(id),
    id TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL,
    principal_ids TEXT NOT NULL DEFAULT '{}'
);

-- Central root access: RootCredentialsManagement, RootSessions.
CREATE TABLE organization_features (
    organization TEXT NOT NULL REFERENCES organizations(id),
    feature TEXT NOT NULL,
    PRIMARY KEY (organization, feature)
);
