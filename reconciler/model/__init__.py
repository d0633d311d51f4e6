"""What people write: identities, groups, apps, roles, grants and policies, as plain frozen values."""
