"""What a SCIM server does in its own way, as data: one `Dialect` value per vendor, adaptable field by field in YAML.

The defaults are the ones of RFC 7643 and 7644, with as little trust in the server as is affordable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Pagination = Literal["auto", "index", "cursor", "none"]
MemberSource = Literal["auto", "listed", "single", "by_group", "by_user", "never"]
MemberForm = Literal["filter", "array", "no_path", "nested"]
Meaning = Literal["conflict", "absent", "already", "not_member", "too_large"]


@dataclass(frozen=True, slots=True)
class RateRule:
    """A published limit: which requests share it, and how fast they may be.

    Attributes:
        methods: HTTP methods in upper case.
        collection: `Users`, `Groups`, or empty for both.
        per_minute: requests a minute.
        burst: requests that may follow each other at once.
        over_bytes: counts only requests whose body is larger than this.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    methods: tuple[str, ...]
    collection: str = ""
    per_minute: float = 600
    burst: int = 1
    over_bytes: int = 0

    @property
    def name(self) -> str:
        """The rate class's name."""
        size = f" over {self.over_bytes} bytes" if self.over_bytes else ""
        return f"{'|'.join(self.methods)} {self.collection or 'all'}{size}"

    def covers(self, method: str, collection: str, size: int) -> bool:
        """Say whether a request with a body of so many bytes falls under this limit."""
        named = not self.collection or self.collection == collection
        return method in self.methods and named and (not self.over_bytes or size > self.over_bytes)


@dataclass(frozen=True, slots=True)
class ErrorAlias:
    """An error that a server words in its own way.

    Attributes:
        status: the HTTP status that it comes with.
        contains: text in its detail or its code, in any case; empty for every error of that status.
        means: what it is: `conflict` (exists already), `absent` (no such object), `already` (a member already),
            `not_member`, `too_large` (split the request).
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    status: int
    means: Meaning
    contains: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server speaks SCIM.

    Attributes:
        name: what messages call it.
        unsupported: operation (`delete account`, …) → why the server cannot do it.
        discovery: whether `ServiceProviderConfig` is asked for what the other fields leave open.
        discovery_path: where it is.
        users_path, groups_path: the two collections.
        groups: whether there are groups at all.
        accept, content_type: media types of requests.
        user_agent: the `User-Agent`, or empty for the default.
        headers: more headers of every request.
        op_case: casing of `add`, `remove` and `replace`: `lower` (RFC 7644), or `title` (`Replace`).
        boolean: how a boolean is written in a PATCH: `json`, or as text: `title` (`"False"`), `lower` (`"false"`).
        patch: whether users can be patched; otherwise they are read, changed and put.
        patch_groups: the same for groups.
        patch_paths: whether each operation names its path; otherwise values are objects without a path.
        attributes_per_op: with `patch_paths` off, how many attributes one operation may carry; 0 means all.
        ops_per_request: how many operations one PATCH may carry; 0 means any number.
        member_add, member_remove: the form of a membership's change: `filter` is `members[value eq "…"]` (removal
            only), `array` is `members` with a list of values, `no_path` is an object that holds `members`, `nested` is
            the same object at the path `members`.
        member_chunk: member changes in one request.
        member_bytes: the largest body of a request that changes members; 0 means any.
        member_replace: whether all members may be replaced at once (a PUT of a group, where it cannot be patched).
        members: where memberships are read: `listed` with the groups, `single` (each group on its own), `by_group`
            (users by `groups.value`), `by_user` (groups by `members.value`), `auto` finds out, `never`.
        check_members: up to how many new members of a group at once are looked up before they are added, for servers
            that take any id for a member; of more, only reading back tells. 0: none.
        group_members_type: whether members are sent with `type`.
        pagination: `index`, `cursor` (RFC 9865), `none` (everything at once), or `auto`: index, then cursor.
        page_size: the largest page that the server gives.
        first_index: `startIndex` of the first item.
        totals: whether `totalResults` is `trusted` (no look behind the last page), `checked` (compared, and read on
            until nothing comes), or `ignored` (reading until nothing comes is all the proof).
        parallel: whether pages may be asked for side by side where ids are unique and totals agree.
        projection: whether `attributes` and `excludedAttributes` are honoured, so that members are left out of what
            does not need them.
        filters: `full`, `eq`, or `none`.
        filter_terms: how many comparisons may be joined with `or` in one filter.
        samples: user and group ids or names that the server makes up; a list of only these is no list.
        lookup: by which attributes an account is looked up, in this order.
        case: `ignore` or `exact`: how `userName` is compared. An `externalId` is always exact.
        required: attributes that a new account must have, with a default each (`{}` reads: none).
        dropped: attributes that are never sent.
        renamed: attribute → what the server calls it.
        attributes: the account attributes that can be written; None means any.
        initial: what a new account starts with besides its names and mapped attributes: any of `name`, `display_name`,
            `email`, `external_id`, `title`, `department`.
        suspend: what a leaver gets: `active` (false), or `delete` where deleting only deactivates.
        hides_suspended: whether a suspended account is no longer found (404), so that this is success.
        reactivate_by_create: whether creating it again brings a suspended account back.
        etag: `auto` sends `If-Match` where a version is known, `required` reads one first, `never` sends none.
        rates: published limits, the first that covers a request counts.
        errors: errors in the server's own words.
        users_first: whether groups must wait for users that are being written.
        read_back: after which writes the provider looks again: `never`, `removals`, `always`.
        other_form: whether the other form of removal is tried where one is ignored.
        stable_ids: whether an id is never given to something else.
        concurrency: changes in flight at once.
        notes: what a reader of a plan should know.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: str = "generic"
    unsupported: Mapping[str, str] = field(default_factory=dict)
    discovery: bool = True
    discovery_path: str = "ServiceProviderConfig"
    users_path: str = "Users"
    groups_path: str = "Groups"
    groups: bool = True
    accept: str = "application/scim+json, application/json;q=0.9"
    content_type: str = "application/scim+json"
    user_agent: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    op_case: Literal["lower", "title"] = "lower"
    boolean: Literal["json", "title", "lower"] = "json"
    patch: bool = True
    patch_groups: bool = True
    patch_paths: bool = True
    attributes_per_op: int = 0
    ops_per_request: int = 0
    member_add: Literal["array", "no_path", "nested"] = "array"
    member_remove: MemberForm = "filter"
    member_chunk: int = 100
    member_bytes: int = 0
    member_replace: bool = True
    members: MemberSource = "auto"
    check_members: int = 0
    group_members_type: bool = False
    pagination: Pagination = "auto"
    page_size: int = 100
    first_index: int = 1
    totals: Literal["trusted", "checked", "ignored"] = "checked"
    parallel: bool = True
    projection: bool = False
    filters: Literal["full", "eq", "none"] = "full"
    filter_terms: int = 1
    samples: tuple[str, ...] = ()
    lookup: tuple[str, ...] = ("userName", "externalId")
    case: Literal["ignore", "exact"] = "ignore"
    required: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] | None = None
    initial: tuple[str, ...] = ("name", "display_name", "email", "external_id")
    suspend: Literal["active", "delete"] = "active"
    hides_suspended: bool = False
    reactivate_by_create: bool = False
    etag: Literal["auto", "required", "never"] = "auto"
    rates: tuple[RateRule, ...] = ()
    errors: tuple[ErrorAlias, ...] = ()
    users_first: bool = False
    read_back: Literal["never", "removals", "always"] = "removals"
    other_form: bool = False
    stable_ids: bool = True
    concurrency: int = 8
    notes: tuple[str, ...] = ()

    def path_of(self, collection: str) -> str:
        """Return the path of `Users` or `Groups`."""
        return self.users_path if collection == "Users" else self.groups_path

    def rate_of(self, method: str, collection: str, size: int) -> str:
        """Return the name of the rate class of a request, or the empty one."""
        return next((rule.name for rule in self.rates if rule.covers(method, collection, size)), "")
