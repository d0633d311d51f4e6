"""What is never changed, whoever asks: PostgreSQL's own roles, those who are above all privileges, and ourselves.

A superuser passes every check, and a role with REPLICATION can copy the whole cluster
(https://www.postgresql.org/docs/current/role-attributes.html), so that no YAML makes one, and none disarms one either:
the last who could mend something may be among them. Some predefined roles are as good as a superuser
(`pg_execute_server_program`, https://www.postgresql.org/docs/current/predefined-roles.html). Pure.
"""

from typing import Final

from providers.postgres.config import PostgresConfig, matches
from providers.postgres.mapping import Role
from reconciler.errors import ProviderError

PROTECTED_ATTRIBUTES: Final = frozenset({"superuser", "replication"})


def check_changeable(role: Role, own: int) -> None:
    """Refuse to change a role that is protected.

    Args:
        role: what would be changed.
        own: the oid of the role that the tool is logged in as.

    Raises:
        ProviderError: it is protected; the message says why.
    """
    check_not_ours(role, own)
    if above := _above(role):
        quoted = '"' + role.name.replace('"', '""') + '"'
        hint = f"an administrator does that by hand; to suspend it: ALTER ROLE {quoted} NOLOGIN"
        raise ProviderError(f"{role.name} is protected: it {above}", hint=hint)


def check_not_ours(role: Role, own: int) -> None:
    """Refuse to change what holds for the tool's own role, or for one that came with PostgreSQL.

    Raises:
        ProviderError: it is one of those.
    """
    if role.oid == own:
        raise ProviderError(f"{role.name} is the account that this tool itself acts as")
    if role.is_predefined:
        raise ProviderError(f"{role.name} came with PostgreSQL and stays as it is")


def check_given(role: Role, config: PostgresConfig) -> None:
    """Refuse to give or take membership of a role that is above privileges, or predefined and not allowed.

    Raises:
        ProviderError: it is one of those.
    """
    if role.is_predefined:
        if not matches(role.name, config.predefined):
            hint = "list it under `predefined` in the route, if people may be given it here"
            raise ProviderError(f"{role.name} is a predefined role, and is neither given nor taken", hint=hint)
        return
    if above := _above(role):
        raise ProviderError(f"{role.name} is protected: it {above}, and so could whoever is a member")


def check_new_owner(role: Role) -> None:
    """Refuse to make a protected role own what others made: its functions would run with all that it may.

    Raises:
        ProviderError: it is one.
    """
    above = "came with PostgreSQL" if role.is_predefined else _above(role)
    if above:
        raise ProviderError(f"{role.name} cannot get what others own: it {above}")


def check_attribute(name: str) -> None:
    """Refuse to give or take an attribute that stands above privileges.

    Raises:
        ProviderError: it is one.
    """
    if name in PROTECTED_ATTRIBUTES:
        raise ProviderError(f"{name} is protected: it is shown, and neither given nor taken")


def _above(role: Role) -> str:
    if role.superuser:
        return "is a superuser"
    return "may replicate" if role.replication else ""
