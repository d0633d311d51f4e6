"""Okta: users and their lifecycle, groups, app assignments and admin roles, by its Management API."""
