"""Google Workspace: users, groups, admin roles, licences and third-party access, by the Admin SDK."""
