"""Microsoft Entra ID: users, groups, directory roles, app roles and licenses, over Microsoft Graph."""
