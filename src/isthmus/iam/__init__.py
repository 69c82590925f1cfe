"""IAM: users, groups, roles, policies, access keys and MFA devices of an account."""
