"""Single accounts, read by their numbers: a pinned leaver is found even where the list is not to be had."""

from collections.abc import Sequence
from typing import Any

from providers.github.client import GitHubClient
from providers.github.mapping import INVITATION, MEMBER, OUTSIDE
from providers.github.people import People, Person
from reconciler.provider.snapshot import AccountStatus, LiveAccount


async def reread(client: GitHubClient, people: People, remote_ids: Sequence[str]) -> list[LiveAccount | None]:
    """Return accounts, None for each that has nothing to do with the organization.

    Raises:
        TransportError: one could not be read.
    """
    people.forget(*remote_ids)
    found: list[LiveAccount | None] = []
    outside: set[str] | None = None
    invited: dict[str, dict[str, Any]] | None = None
    for remote_id in remote_ids:
        if remote_id.startswith(INVITATION):
            invited = await _invited(client) if invited is None else invited
            found.append(_as_invited(remote_id, invited))
            continue
        person = await people.by_number(remote_id)
        if person is not None and not person.state:
            outside = await _outside(client) if outside is None else outside
            person = person if person.number in outside else None
        found.append(_account(person) if person else None)
    return found


async def _outside(client: GitHubClient) -> set[str]:
    return {str(one["id"]) for one in await client.pages(client.org("outside_collaborators"))}


async def _invited(client: GitHubClient) -> dict[str, dict[str, Any]]:
    return {f"{INVITATION}{one['id']}": one for one in await client.pages(client.org("invitations"))}


def _as_invited(remote_id: str, invited: dict[str, dict[str, Any]]) -> LiveAccount | None:
    one = invited.get(remote_id)
    return LiveAccount(remote_id, email=one.get("email") or "", status=AccountStatus.INVITED) if one else None


def _account(person: Person) -> LiveAccount:
    status = AccountStatus.INVITED if person.state == "pending" else AccountStatus.ACTIVE
    if person.suspended:
        status = AccountStatus.SUSPENDED
    attributes = {"membership": MEMBER if person.state else OUTSIDE}
    return LiveAccount(person.number, person.login, status=status, attributes=attributes)
