"""LDAP directories: Microsoft Active Directory and OpenLDAP, their people, groups and members."""
