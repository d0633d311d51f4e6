"""What the YAML may say about a `file` way."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.snapshot import AccountStatus

_SPAN = re.compile(r"(\d+)\s*([smhdw])")
_PERCENT = re.compile(r"(\d{1,3})\s*%")
_PROBE = datetime(2026, 11, 24)  # noqa: DTZ001 - only its day is looked at
_ENDINGS = {"csv": "csv", "tsv": "csv", "txt": "csv", "json": "json", "xlsx": "xlsx"}
_ENDINGS |= dict.fromkeys(("jsonl", "ndjson"), "jsonl")
LONGEST_FOOT = 100
"""So many rows at the end may be none."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

DEFAULT_STATUSES: Mapping[AccountStatus, tuple[str, ...]] = {
    AccountStatus.ACTIVE: ("active", "enabled", "true", "yes", "1"),
    AccountStatus.INVITED: ("invited", "pending", "invitation sent", "invite sent", "invite pending", "pending invite"),
    AccountStatus.SUSPENDED: (
        *("suspended", "disabled", "deactivated", "inactive", "blocked", "false", "no", "0"),
        *("locked", "archived", "deprovisioned"),
    ),
    AccountStatus.ABSENT: ("absent", "deleted", "removed"),
}
ANY = "*"
"""What `statuses` may say of every text that is not empty and not named."""


def parse_span(value: object) -> object:
    """Turn `36h` or `7d` into a timedelta; anything else is left to pydantic.

    Raises:
        ValueError: a text that is no span.
    """
    if not isinstance(value, str):
        return value
    match = _SPAN.fullmatch(value.strip())
    if match is None:
        raise ValueError("write a span such as 36h, 7d or 2w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_texts(value: object) -> object:
    """Turn one value or several into texts; YAML's `true` and `1` are what a cell would say."""
    several = value if isinstance(value, list | tuple) else (value,)
    return tuple(str(one).lower() if isinstance(one, bool | int) else one for one in several)


def parse_share(value: object) -> object:
    """Turn `80%` into 0.8; anything else is left to pydantic."""
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value.strip())):
        return int(match[1]) / 100
    return value


Share = Annotated[float, BeforeValidator(parse_share)]
Span = Annotated[timedelta, BeforeValidator(parse_span)]
Texts = Annotated[tuple[str, ...], BeforeValidator(parse_texts), Field(min_length=1)]


class AccountColumns(ProviderConfig):
    """Which column of the accounts' file holds what. Every column that is named here must exist.

    With `grants`, one cell lists all that the account holds; with `entitlement` (and perhaps `level`), the file has a
    row for each grant, and an account's own values are the same in all of its rows.
    """

    id: str = Field(
        default="id", description="the account's own id; a username or an email address where there is nothing better"
    )
    username: str = Field(default="", description="the account's username")
    email: str = Field(default="", description="the account's email address")
    external_id: str = Field(default="", description="the identity's id, where the app keeps it")
    status: str = Field(default="", description="the account's state; see `statuses`")
    grants: str | Mapping[str, str] = Field(
        default="",
        description="a cell with all entitlements of the account; or kind: column (`{role: Role, group: Teams}`), "
        "entitlement: column of yes and no (`{'role:admin': Is admin}`)",
    )
    entitlement: str = Field(default="", description="one entitlement a row: the account has several rows")
    level: str = Field(default="", description="with `entitlement`: the level it is held at")
    attributes: Mapping[str, str] = Field(default_factory=dict, description="attribute, as `accounts` names it: column")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.grants and self.entitlement:
            raise ValueError("`grants` (one cell) and `entitlement` (one row a grant) exclude each other")
        if self.level and not self.entitlement:
            raise ValueError("`level` goes with `entitlement`; inside a `grants` cell use `level_separator`")
        shared = {self.id, *(self.grants.values() if isinstance(self.grants, Mapping) else ())}
        named = [name for name in self.names() if name not in shared]
        if len(set(named)) != len(named):
            raise ValueError("a column may be used once only (the id may also be the username or the email address)")
        return self

    def names(self) -> tuple[str, ...]:
        """Return every column that is named, in a fixed order."""
        own = (self.id, self.username, self.email, self.external_id, self.status)
        grants = [column for _, column in self.cells]
        return tuple(name for name in (*own, *grants, self.entitlement, self.level, *self.attributes.values()) if name)

    @property
    def cell(self) -> str:
        """Return the one column that lists grants; empty where there is none, or several."""
        return self.grants if isinstance(self.grants, str) else ""

    @property
    def cells(self) -> tuple[tuple[str, str], ...]:
        """Return kind (or an entitlement, of a column of yes and no) and column of each cell that lists grants."""
        if isinstance(self.grants, Mapping):
            return tuple(self.grants.items())
        return (("", self.grants),) if self.grants else ()


class GrantColumns(ProviderConfig):
    """Which column of the grants' file holds what."""

    holder: str = Field(default="holder", description="who holds it: an account, or an entitlement (`team:platform`)")
    entitlement: str = Field(default="entitlement", description="what is held")
    level: str = Field(default="", description="the level it is held at")


class EntitlementColumns(ProviderConfig):
    """Which column of the entitlements' file holds what."""

    entitlement: str = Field(default="entitlement", description="the entitlement")
    id: str = Field(default="", description="the app's own id of it")
    attributes: Mapping[str, str] = Field(default_factory=dict, description="attribute: column")


class ExportedAt(ProviderConfig):
    """Where it is written when a file was exported: in exactly one of these places."""

    column: str = Field(default="", description="a column of the file; the earliest row counts")
    file_name: str = Field(
        default="", description="how the file's name is made (`wiki-%Y-%m-%d.csv`); with a `*` in `path`, the newest"
    )
    sidecar: str = Field(default="", description="a file beside it that holds nothing but the moment")
    timezone: str = Field(default="", description="of moments that are written without an offset: Europe/Berlin")
    format: str = Field(default="", description="how moments are written where they are not ISO 8601: `%d.%m.%Y %H:%M`")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if len([place for place in (self.column, self.file_name, self.sidecar) if place]) != 1:
            raise ValueError("`exported_at` names one of `column`, `file_name` and `sidecar`")
        if self.timezone and self.timezone not in available_timezones():
            raise ValueError(f"there is no time zone {self.timezone!r}; write it like Europe/Berlin or UTC")
        if self.format and not _names_a_day(self.format):
            raise ValueError("`format` must tell year, month and day: %d.%m.%Y %H:%M")
        if self.file_name and not _names_a_day(self.file_name):
            raise ValueError("`file_name` must tell year, month and day: wiki-%Y-%m-%d.csv")
        return self

    @property
    def zone(self) -> ZoneInfo | None:
        """Return the zone of moments without an offset."""
        return ZoneInfo(self.timezone) if self.timezone else None


def _names_a_day(pattern: str) -> bool:
    try:
        return datetime.strptime(_PROBE.strftime(pattern), pattern).date() == _PROBE.date()  # noqa: DTZ007 - the day
    except ValueError:
        return False


class _Part(ProviderConfig):
    path: str = Field(description="the file, relative to the folder of reconciler.yaml")
    format: Literal["csv", "json", "jsonl", "xlsx", ""] = Field(
        default="", description="csv, json, jsonl (an object a line) or xlsx, where the ending does not say it"
    )
    sheet: str = Field(default="", description="XLSX: which sheet, where there are several")
    exported_at: datetime | Literal["modified"] | ExportedAt | None = Field(
        default=None,
        description="when it was exported: an instant, where that is written, or `modified` (the file's own date)",
    )
    delimiter: str = Field(
        default="", description="what separates cells; a comma, or a tab for .tsv", pattern=r'^[^"\r\n]?$'
    )
    encoding: str = Field(default="utf-8", description="how the file is encoded; a byte order mark is fine")
    comment: str = Field(default="", description="lines that begin with this are no rows")
    header: int = Field(default=1, ge=1, le=1000, description="which line, or row, names the columns, from 1")
    skip_last: int = Field(default=0, ge=0, le=LONGEST_FOOT, description="how many rows at the end are none: totals")
    records: str = Field(
        default="", description="JSON: where the list is (`data.users`); empty: the whole file is the list"
    )

    @property
    def kind_of_file(self) -> str:
        """Return `csv`, `json`, `jsonl` or `xlsx`, or nothing where neither the ending nor `format` says it."""
        if self.format:
            return self.format
        ending = self.path.lower().rpartition(".")[2]
        return _ENDINGS.get(ending, "")

    @property
    def separator(self) -> str:
        """Return what separates cells."""
        return self.delimiter or ("\t" if self.path.lower().endswith(".tsv") else ",")

    @model_validator(mode="after")
    def _has_a_format(self) -> Self:
        if not self.kind_of_file:
            raise ValueError(
                f"the ending of {self.path!r} does not say the format: write `format: csv`, `json`, `jsonl` or `xlsx`"
            )
        if isinstance(self.exported_at, datetime) and self.exported_at.tzinfo is None:
            raise ValueError("`exported_at` needs a time zone")
        by_name = isinstance(self.exported_at, ExportedAt) and self.exported_at.file_name
        if "*" in self.path and not (by_name and "*" not in self.path.rpartition("/")[0]):
            raise ValueError(
                "`*` is for the file's own name, and only with `exported_at: {file_name: …}`, which tells the newest"
            )
        return self


class GrantsFile(_Part):
    """A file of its own for grants, one a row."""

    columns: GrantColumns = Field(default_factory=GrantColumns)
    holder_by: Literal["id", "username", "email"] = Field(
        default="id", description="how the holder's account is written"
    )


class EntitlementsFile(_Part):
    """A file of its own for entitlements: with it, those that nobody holds are known, and new ones can be created."""

    columns: EntitlementColumns = Field(default_factory=EntitlementColumns)


class Minimum(ProviderConfig):
    """How many rows there are at least; fewer means that the export is broken, not that they are gone."""

    accounts: int | None = Field(
        default=None, ge=0, description="1 where nothing is said, 0 where the file is writable"
    )
    grants: int = Field(default=0, ge=0)
    share: Share = Field(
        default=0.5, ge=0, le=1, description="of what the last complete read had: `80%`; less is taken for cut off"
    )


class FileConfig(_Part):
    """An app whose accounts and grants are in a file that a person, or a script, exports."""

    columns: AccountColumns = Field(
        default_factory=lambda: AccountColumns(username="username", email="email", status="status")
    )
    grants: GrantsFile | None = None
    entitlements: EntitlementsFile | None = None
    kind: str = Field(
        default="", description="the kind of entitlements that are written without one", pattern=r"^[^:\s]*$"
    )
    item_separator: str = Field(default=";", description="what separates the entitlements in one cell", min_length=1)
    level_separator: str = Field(default="", description="what stands between an entitlement and its level in one cell")
    levels: Mapping[str, tuple[str, ...]] = Field(default_factory=dict, description="kind: levels, the weakest first")
    statuses: Mapping[AccountStatus, Texts] = Field(
        default_factory=dict,
        description="active, invited, suspended, absent: the texts that mean it; the first is written",
    )
    complete: bool = Field(default=False, description="say that the export holds everything: a file cannot prove it")
    writable: bool = Field(
        default=False, description="the file is the app's own record, and changes are written into it"
    )
    max_age: Span | None = Field(default=None, description="older than this, it proves nothing any more")
    minimum: Minimum = Field(default_factory=Minimum)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.grants and (self.columns.grants or self.columns.entitlement):
            raise ValueError("`grants` (a file of its own) and a column with grants exclude each other")
        if self.max_age is not None and self.exported_at is None:
            raise ValueError("`max_age` needs `exported_at`: when the file was exported is never guessed")
        if self.writable and any("*" in part.path or part.kind_of_file in ("jsonl", "xlsx") for part in self.parts):
            raise ValueError("only one CSV or JSON file of a fixed name can be `writable`")
        if self.writable and (
            isinstance(self.columns.grants, Mapping) or any("[]" in name for name in self.columns.names())
        ):
            raise ValueError("in a `writable` file one column lists what an account holds, as texts")
        if self.writable and any(part.header > 1 or part.skip_last for part in self.parts):
            raise ValueError("a `writable` file begins with its header and ends with its last row")
        if self.level_separator and self.level_separator == self.item_separator:
            raise ValueError("`level_separator` and `item_separator` must differ")
        if self.columns.entitlement and self.kind_of_file in ("json", "jsonl"):
            raise ValueError("a row for each grant is for CSV; in JSON use `grants`, a list")
        return self

    @property
    def parts(self) -> "tuple[FileConfig | GrantsFile | EntitlementsFile, ...]":
        """Return the files, the accounts' file first."""
        return tuple(part for part in (self, self.grants, self.entitlements) if part is not None)

    @property
    def shows_grants(self) -> bool:
        """Whether the file says who holds what."""
        return bool(self.grants or self.columns.grants or self.columns.entitlement)

    @property
    def holds_levels(self) -> bool:
        """Whether there is a place for levels."""
        if self.grants:
            return bool(self.grants.columns.level)
        return bool(self.columns.level if self.columns.entitlement else self.level_separator)

    @property
    def minimum_accounts(self) -> int:
        """Return how many accounts there are at least."""
        return self.minimum.accounts if self.minimum.accounts is not None else int(not self.writable)
