-- Whether a type came with the organization: enabling it once more is then no mistake.
ALTER TABLE organization_policy_types ADD COLUMN came_along INTEGER NOT NULL DEFAULT 0;
