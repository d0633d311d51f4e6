"""What is asked of PostgreSQL's catalogues.

Sources: https://www.postgresql.org/docs/current/view-pg-roles.html, catalog-pg-auth-members.html,
catalog-pg-database.html, catalog-pg-namespace.html and ddl-priv.html (access privileges that are NULL are the built-in
ones, which `acldefault` tells). Owners hold everything by owning: their entries are left out.
"""

from typing import Final, LiteralString

SYSTEM: Final = """
SELECT c.system_identifier::text, r.oid::bigint, current_setting('default_transaction_read_only')
FROM pg_catalog.pg_control_system() c, pg_catalog.pg_roles r WHERE r.rolname = session_user
"""
"""The cluster's own identifier, the role that is logged in, and whether the connection only reads."""

READ_ONLY: Final = "SELECT current_setting('transaction_read_only')"

_ROLE: Final = """
SELECT r.oid::bigint, r.rolname::text, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
       r.rolbypassrls, r.rolinherit, r.rolconnlimit,
       CASE WHEN isfinite(r.rolvaliduntil)
            THEN to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            ELSE r.rolvaliduntil::text END,
       shobj_description(r.oid, 'pg_authid')
FROM pg_catalog.pg_roles r
"""
ROLES: Final = _ROLE + "ORDER BY r.oid"
ROLE_BY_OID: Final = _ROLE + "WHERE r.oid = %s"
ROLE_BY_NAME: Final = _ROLE + "WHERE r.rolname = %s"
ROLES_BY_OID: Final = _ROLE + "WHERE r.oid::bigint = ANY(%s)"

_OPTIONS_16: Final = "m.inherit_option, m.set_option"
_OPTIONS_15: Final = "true, true"
PG16: Final = 160000


def members(version: int, *, one: bool = False) -> LiteralString:
    """Return the query for memberships: role, member, grantor, grantor's name, and three options.

    Args:
        version: the server's, as libpq tells it.
        one: only those of one role and one member, which are arguments.
    """
    options: LiteralString = _OPTIONS_16 if version >= PG16 else _OPTIONS_15
    query: LiteralString = f"""
SELECT m.roleid::bigint, m.member::bigint, g.oid::bigint, g.rolname::text, m.admin_option, {options}
FROM pg_catalog.pg_auth_members m LEFT JOIN pg_catalog.pg_roles g ON g.oid = m.grantor
"""  # noqa: S608 - both parts are ours
    return query + "WHERE m.roleid = %s AND m.member = %s ORDER BY 3" if one else query + "ORDER BY 1, 2, 3"


DATABASES: Final = """
SELECT d.oid::bigint, d.datname::text, d.datallowconn, pg_catalog.pg_get_userbyid(d.datdba)::text
FROM pg_catalog.pg_database d WHERE NOT d.datistemplate ORDER BY d.oid
"""
DATABASE_ACL: Final = """
SELECT d.oid::bigint, a.grantee::bigint, a.privilege_type::text, bool_or(a.is_grantable)
FROM pg_catalog.pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
WHERE NOT d.datistemplate AND a.grantee <> d.datdba
GROUP BY d.oid, a.grantee, a.privilege_type ORDER BY 1, 2, 3
"""
DATABASE_BY_OID: Final = "SELECT datname::text, datdba::bigint FROM pg_catalog.pg_database WHERE oid = %s"
DATABASE_GRANTS: Final = """
SELECT a.privilege_type::text, a.is_grantable, a.grantor::bigint, pg_catalog.pg_get_userbyid(a.grantor)::text
FROM pg_catalog.pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
WHERE d.oid = %s AND a.grantee = %s
"""

_OWN_SCHEMAS: Final = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
SCHEMAS: Final = f"""
SELECT n.oid::bigint, n.nspname::text, pg_catalog.pg_get_userbyid(n.nspowner)::text
FROM pg_catalog.pg_namespace n WHERE {_OWN_SCHEMAS} ORDER BY n.oid
"""  # noqa: S608 - our own text
SCHEMA_ACL: Final = f"""
SELECT n.oid::bigint, a.grantee::bigint, a.privilege_type::text, bool_or(a.is_grantable)
FROM pg_catalog.pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
WHERE {_OWN_SCHEMAS} AND a.grantee <> n.nspowner
GROUP BY n.oid, a.grantee, a.privilege_type ORDER BY 1, 2, 3
"""  # noqa: S608 - our own text

MAY_ACT_AS: Final = "SELECT pg_has_role(session_user, %s::oid, 'USAGE')"
MAY_ACT_AS_16: Final = MAY_ACT_AS + " AND pg_has_role(session_user, %s::oid, 'SET')"

SCHEMA_BY_OID: Final = "SELECT nspname::text, nspowner::bigint FROM pg_catalog.pg_namespace WHERE oid = %s"
SCHEMA_GRANTS: Final = """
SELECT a.privilege_type::text, a.is_grantable, a.grantor::bigint, pg_catalog.pg_get_userbyid(a.grantor)::text
FROM pg_catalog.pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
WHERE n.oid = %s AND a.grantee = %s
"""

END_SESSIONS: Final = """
SELECT count(*), count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(a.pid, 2000)) FROM pg_catalog.pg_stat_activity a
WHERE a.usesysid = %s AND a.pid <> pg_catalog.pg_backend_pid()
"""
DEPENDENT: Final = """
SELECT DISTINCT d.datname::text, d.datallowconn, s.deptype = 'o'
FROM pg_catalog.pg_shdepend s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = %s AND s.deptype IN ('o', 'a', 'i', 'r')
ORDER BY 1
"""
"""Where a role owns something or is named in privileges: the database, empty for what all of them share."""

_ACLS: Final = (
    ("pg_class", "relacl"),
    ("pg_attribute", "attacl"),
    ("pg_proc", "proacl"),
    ("pg_type", "typacl"),
    ("pg_namespace", "nspacl"),
    ("pg_database", "datacl"),
    ("pg_language", "lanacl"),
    ("pg_tablespace", "spcacl"),
    ("pg_foreign_data_wrapper", "fdwacl"),
    ("pg_foreign_server", "srvacl"),
    ("pg_largeobject_metadata", "lomacl"),
)
"""Where a database keeps privileges on what is in it, and on what all share (catalogs of that name)."""

PASSED_ON: Final = "\nUNION ALL\n".join(
    f"SELECT '{table}'::text, a.grantee::bigint FROM pg_catalog.{table} o, aclexplode(o.{column}) a"  # noqa: S608 - ours
    " WHERE a.grantor = %(oid)s AND a.grantee <> %(oid)s"
    for table, column in _ACLS
)
"""What others hold because a role passed its own privileges on."""
PASSED_ON_MEMBERSHIPS: Final = """
SELECT r.rolname::text, m.member::bigint FROM pg_catalog.pg_auth_members m
JOIN pg_catalog.pg_roles r ON r.oid = m.roleid WHERE m.grantor = %(oid)s AND m.member <> %(oid)s
"""
