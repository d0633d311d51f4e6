"""SCIM 2.0 servers (RFC 7643, 7644, 9865), their dialects as data."""
