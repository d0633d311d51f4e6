"""Distinguished names: compared, taken apart and put together as RFC 4514 has it; pure."""

from urllib.parse import unquote, urlsplit

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import escape_rdn, parse_dn

from reconciler.items import fold


def normalize(dn: str) -> str:
    """Return a DN so that two names of one entry are equal: case, spaces and escapes told in one way (RFC 4514)."""
    if not dn:
        return ""
    try:
        parts = parse_dn(dn, escape=False, strip=True)
    except LDAPInvalidDnError:
        return fold(dn)
    return ",".join(f"{name.lower()}={_unescape(value)}" for name, value, _ in parts)


def _unescape(value: str) -> str:
    """Return a value of a DN in one form, in which nothing is escaped and a comma can still be told."""
    raw = bytearray()
    at = 0
    while at < len(value):
        pair = value[at + 1 : at + 3]
        if value[at] == "\\" and len(pair) == 2 and all(c in "0123456789abcdefABCDEF" for c in pair):  # noqa: PLR2004 - hex
            raw.append(int(pair, 16))
            at += 3
        elif value[at] == "\\" and pair:
            raw += pair[0].encode()
            at += 2
        else:
            raw += value[at].encode()
            at += 1
    return fold(raw.decode("utf-8", errors="replace")).replace(",", "\\2c")


def first_part(attribute: str, value: str) -> str:
    """Return the first part of a DN; the value is escaped (RFC 4514 section 2.4)."""
    return f"{attribute}={escape_rdn(value)}"


def is_apart(uri: str) -> bool:
    """Say whether a referral leads to a part of Active Directory in which nobody is: names of machines, the schema.

    A search of a whole domain is always answered with these ([MS-ADTS] section 3.1.1.1.5, naming contexts).
    """
    return normalize(unquote(urlsplit(uri).path.lstrip("/"))).startswith(
        ("dc=domaindnszones,", "dc=forestdnszones,", "cn=configuration,", "cn=schema,")
    )


def is_below(dn: str, container: str) -> bool:
    """Say whether an entry is a container or somewhere in it."""
    return f",{normalize(dn)}".endswith(f",{normalize(container)}")


def parent_of(dn: str) -> str:
    """Return the DN of the container that an entry is in."""
    parts = parse_dn(dn, escape=False, strip=False)
    return "".join(f"{name}={value}{comma}" for name, value, comma in parts[1:])


def rdn_of(dn: str) -> str:
    """Return the first part of a DN."""
    name, value, _ = parse_dn(dn, escape=False, strip=False)[0]
    return f"{name}={value}"
