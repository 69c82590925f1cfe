-- What SetSecurityTokenServicePreferences sets and the account summary tells: 1 or 2.
ALTER TABLE accounts ADD COLUMN global_endpoint_token_version INTEGER NOT NULL DEFAULT 1;
