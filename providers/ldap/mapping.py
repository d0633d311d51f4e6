"""Entries of a directory and our values: people to accounts, groups to entitlements, names of entries; pure."""

import secrets
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from providers.ldap.names import first_part, normalize, rdn_of
from providers.ldap.product import DISABLED_BIT, NORMAL_ACCOUNT, USUAL_GROUPS, Directory
from reconciler.items import Value, fold
from reconciler.provider.snapshot import AccountStatus, LiveAccount

GROUP: Final = "group"
EMPTY: Final = b""
"""The member of a group that needs one and has none: the DN of no entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the directory gave it.

    Attributes:
        dn: its distinguished name.
        values: attribute's name in lower case → its values as bytes.
    """

    dn: str
    values: Mapping[str, list[bytes]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the value of an attribute as text, or empty.

        Several values have no order (RFC 4511 section 4.1.7): the one in the entry's own name counts, else the first by
        the alphabet, so that two readings find the same.
        """
        found = [value.decode("utf-8", errors="replace") for value in self.values.get(name.lower()) or [b""]]
        if len(found) == 1:
            return found[0]
        own = [value for value in found if normalize(first_part(name, value)) == normalize(rdn_of(self.dn))]
        return min(own or found)


def id_of(entry: Entry, directory: Directory) -> str:
    """Return the id that an entry keeps for ever."""
    raw = (entry.values.get(directory.id.lower()) or [b""])[0]
    return str(uuid.UUID(bytes_le=raw)) if directory.control and raw else raw.decode("ascii", errors="replace").lower()


def sid_of(entry: Entry) -> bytes:
    """Return an entry's security identifier, empty where it has none ([MS-DTYP] section 2.4.2.2)."""
    return (entry.values.get("objectsid") or [b""])[0]


def primary_group_of(entry: Entry) -> bytes:
    """Return the security identifier of somebody's primary group, empty where that is the default one or unknown.

    That group does not list them as a member ([MS-ADTS] section 3.1.1.2.4: `primaryGroupID`).
    """
    number, sid = entry.text("primaryGroupID"), sid_of(entry)
    if not (number.isdecimal() and sid) or int(number) in USUAL_GROUPS:
        return b""
    return sid[:-4] + int(number).to_bytes(4, "little")


def id_filter(remote_id: str, directory: Directory) -> str:
    """Return the filter that finds an entry by its id (RFC 4515 section 3: bytes in hex)."""
    try:
        known = uuid.UUID(remote_id)
    except ValueError:
        return "(!(objectClass=*))"
    if not directory.control:
        return f"({directory.id}={known})"
    return f"({directory.id}=" + "".join(f"\\{byte:02x}" for byte in known.bytes_le) + ")"


def to_account(entry: Entry, directory: Directory) -> LiveAccount:
    """Return an entry as an account; without `mail` the user principal name is its email, where there is one."""
    email = entry.text("mail") or (entry.text("userPrincipalName") if directory.control else "")
    return LiveAccount(
        remote_id=id_of(entry, directory),
        username=entry.text(directory.username),
        email=email,
        status=AccountStatus.SUSPENDED if is_disabled(entry, directory) else AccountStatus.ACTIVE,
        attributes={name: entry.text(name) for name in directory.attributes if entry.text(name)},
    )


def is_disabled(entry: Entry, directory: Directory) -> bool:
    """Say whether an account is disabled."""
    if directory.control:
        return bool(control_of(entry) & DISABLED_BIT)
    if directory.mark is None:
        return False
    name, value = directory.mark
    return value.encode() in entry.values.get(name.lower(), [])


def control_of(entry: Entry) -> int:
    """Return an account's `userAccountControl`."""
    text = entry.text("userAccountControl")
    return int(text) if text.lstrip("-").isdecimal() else NORMAL_ACCOUNT


def name_groups(entries: Iterable[tuple[str, Entry]]) -> dict[str, str]:
    """Return what each group is called, by its id: its common name, or its DN where another is called so."""
    listed = list(entries)
    times = Counter(fold(entry.text("cn")) for _, entry in listed)
    return {
        id_: entry.text("cn") if entry.text("cn") and times[fold(entry.text("cn"))] == 1 else entry.dn
        for id_, entry in listed
    }


def new_person(after: Mapping[str, Value], username: str, directory: Directory) -> tuple[str, dict[str, list[bytes]]]:
    """Return the DN and the attributes of a new account.

    Active Directory enables no account without a password: a random one is set, told to nobody, and to be changed.
    """
    name = str(after.get("displayName") or after.get("person.name") or username)
    email = str(after.get("email") or "")
    values = {
        directory.username: username,
        "cn": name,
        "displayName": name,
        "givenName": str(after.get("person.given_name") or ""),
        "sn": str(after.get("person.family_name") or "") or name,
        "mail": email,
    }
    values |= {each: str(after[each]) for each in directory.attributes if after.get(each) not in (None, "")}
    if directory.control:
        values |= {"userPrincipalName": email, "userAccountControl": str(NORMAL_ACCOUNT), "pwdLastSet": "0"}
    body = {key: [value.encode()] for key, value in values.items() if value}
    if directory.control:
        body["unicodePwd"] = [f'"{secrets.token_urlsafe(24)}aA1!"'.encode("utf-16-le")]
    rdn = name if directory.rdn == "cn" else username
    return f"{first_part(directory.rdn, rdn)},{directory.new_people}", {
        "objectClass": _bytes(directory.person_classes),
        **body,
    }


def new_group(name: str, directory: Directory) -> tuple[str, dict[str, list[bytes]]]:
    """Return the DN and the attributes of a new group; one that needs a member gets that of no entry."""
    body = {"objectClass": _bytes(directory.group_classes), "cn": [name.encode()]}
    body |= {key: [value.encode()] for key, value in directory.group_extra.items()}
    if directory.control:
        body["sAMAccountName"] = [name.encode()]
    if directory.member_needed:
        body[directory.member] = [EMPTY]
    return f"{first_part('cn', name)},{directory.new_groups}", body


def _bytes(values: Iterable[str]) -> list[bytes]:
    return [value.encode() for value in values]
