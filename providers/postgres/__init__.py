"""PostgreSQL as an app: login roles, group roles, and grants on databases and schemas."""
