"""What differs between directories, as data: names of attributes, filters, classes, and how an account is disabled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.ldap.config import LdapConfig
from providers.ldap.names import is_below

DISABLED_BIT = 2
NORMAL_ACCOUNT = 512
"""Bits of `userAccountControl`
(https://learn.microsoft.com/troubleshoot/windows-server/active-directory/useraccountcontrol-manipulate-account-properties)."""
USUAL_GROUPS = frozenset({513, 514})
"""Everybody's primary group where nobody chose another: Domain Users and Domain Guests (relative identifiers)."""
GLOBAL_SECURITY_GROUP = "-2147483646"
"""`groupType` of a global security group ([MS-ADTS] section 2.2.12)."""


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory as it is configured, with what its product brings.

    Attributes:
        id: the attribute that never changes and is never given again.
        username, rdn: the attributes of the username and of the first part of a person's DN.
        person_filter, group_filter: which entries are people, and groups.
        read_in: where people are looked for: their base, and where disabled ones are moved to, if that is elsewhere.
        groups_in: the base of the search for groups; `new_people`, `new_groups`: containers of new entries.
        person_classes, group_classes: object classes of new entries.
        group_extra: what a new group needs besides its name.
        member: the attribute of a group's members.
        member_needed: whether a group without any member breaks the schema, so that an empty one stands in.
        attributes: what is read of people, and may be written.
        control: whether accounts are disabled by `userAccountControl`.
        mark: attribute and value that say disabled; None where nothing does.
    """

    id: str
    username: str
    rdn: str
    person_filter: str
    group_filter: str
    read_in: tuple[str, ...]
    groups_in: str
    new_people: str
    new_groups: str
    person_classes: tuple[str, ...]
    group_classes: tuple[str, ...]
    member: str
    member_needed: bool
    attributes: tuple[str, ...]
    control: bool
    mark: tuple[str, str] | None
    group_extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_username(self) -> bool:
        """Whether members are usernames and not DNs (RFC 2307: `memberUid`)."""
        return self.member.lower() == "memberuid"

    @property
    def person_fields(self) -> list[str]:
        """What is asked of people."""
        found = {self.id, self.username, "mail", *self.attributes}
        found |= {"userAccountControl", "userPrincipalName", "objectSid", "primaryGroupID"} if self.control else set()
        return sorted(found | ({self.mark[0]} if self.mark else set()))

    @property
    def can_disable(self) -> bool:
        """Whether an account can be disabled at all."""
        return self.control or self.mark is not None


def directory_of(config: LdapConfig) -> Directory:
    """Return the directory that a configuration describes."""
    people_in, groups_in = config.people.base or config.base, config.groups.base or config.base
    windows = config.product == "active_directory"
    member = config.groups.member or "member"
    plain = not windows and member.lower() == "memberuid"
    return Directory(
        id="objectGUID" if windows else "entryUUID",
        username=config.people.username or ("sAMAccountName" if windows else "uid"),
        rdn="cn" if windows else "uid",
        person_filter=config.people.filter
        or ("(&(objectCategory=person)(objectClass=user))" if windows else "(objectClass=inetOrgPerson)"),
        group_filter=config.groups.filter or _group_filter(windows=windows, plain=plain),
        read_in=(people_in, *([config.move_to] if config.move_to and not is_below(config.move_to, people_in) else ())),
        groups_in=groups_in,
        new_people=config.people.create_in or people_in,
        new_groups=config.groups.create_in or groups_in,
        person_classes=("top", "person", "organizationalPerson", "user") if windows else ("inetOrgPerson",),
        group_classes=("top", "group") if windows else ("posixGroup",) if plain else ("groupOfNames",),
        group_extra={"groupType": GLOBAL_SECURITY_GROUP} if windows else {},
        member=member,
        member_needed=not windows and not plain,
        attributes=tuple(name for name in config.people.attributes if name),
        control=windows,
        mark=(config.disabled.attribute, config.disabled.value) if config.disabled else None,
    )


def _group_filter(*, windows: bool, plain: bool) -> str:
    if windows:
        return "(objectClass=group)"
    return "(objectClass=posixGroup)" if plain else "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))"
