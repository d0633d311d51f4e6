"""Drift that nobody has to look at twice is taken into the YAML of a draft; what is or seems privileged never is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.discover.access import Block, find_access
from reconciler.discover.risky import declared_so, find_risky, keep_lost
from reconciler.edit.access import add_grants
from reconciler.edit.asking import Asked
from reconciler.edit.requests import revoke
from reconciler.errors import ConfigurationError, EditError
from reconciler.plan.sides import Sides
from reconciler.run.drafting import Draft, compare
from reconciler.run.importing import Tree
from reconciler.run.importing_access import find_lost
from reconciler.run.live import read_sides
from reconciler.run.reading import ReadProgress
from reconciler.run.session import Session


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an app's drift came to.

    Attributes:
        draft: the YAML that says what is live; None where there is nothing to propose.
        withheld: what is or seems privileged, or is protected, as (`ana/group:admins`, why); not what is declared
            as privileged, which a plan tells.
        by_hand: what no grant can say or stop saying, as (`ana/group:eng`, why).
        unread: why nothing can be said, empty if all was read.
    """

    draft: Draft | None = None
    withheld: tuple[tuple[str, str], ...] = ()
    by_hand: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()


def accept_drift(
    root: Path, contents: Mapping[str, bytes], app: str, moment: datetime, progress: ReadProgress | None = None
) -> Accepted:
    """Read an app, and draft the YAML that says what is live in it.

    Args:
        root: the folder that relative paths in the settings start from.
        contents: path → content of the YAML files that the draft changes.
        app: its name.
        moment: what is due is judged by it.
        progress: who watches the reading.

    Raises:
        ConfigurationError: the app is unknown, or cannot be reached.
        InputError: the YAML has errors, before or after.
        EditError: the YAML cannot be changed so.
    """
    tree = Tree(root, contents, dict(contents), moment)
    before = tree.load()
    sides = read_sides(before, app, progress)
    risky = find_risky(sides)
    wanted = _wanted(before, sides, risky)
    if isinstance(wanted, Accepted):
        return wanted
    by_hand = _drop_lost(tree, sides, app)
    company = tree.load().company
    tree.edit(lambda files: add_grants(company, files, app, wanted))
    draft = compare(before, tree.load(), contents, tree.changes, [app]) if tree.changes else None
    return Accepted(draft, _told(sides, risky), tuple(by_hand))


def _wanted(session: Session, sides: Sides, risky: Collection[tuple[str, str]]) -> tuple[Block, ...] | Accepted:
    """Return the grants to write, of those who hold nothing risky by an account that is not declared."""
    services = session.company.service_accounts
    careful = {holder for holder, _ in risky}
    roster = session.resolved.roster
    here = {name for name in (*session.company.people, *services) if roster.number_here(name) is not None}
    found = find_access(
        sides,
        here=here,
        services=services.keys(),
        accepted=lambda holder, key: (holder, key) not in risky and bool(key or holder not in careful),
    )
    return Accepted(unread=found.unread) if found.unread else found.blocks


def _told(sides: Sides, risky: Mapping[tuple[str, str], str]) -> tuple[tuple[str, str], ...]:
    names = sides.names
    return tuple(
        (f"{holder}/{key}", why)
        for (holder, key), why in sorted(risky.items())
        if not declared_so(why) and not holder.startswith("@") and names.grant(holder, key) not in sides.wanted
    )


def _drop_lost(tree: Tree, sides: Sides, app: str) -> list[tuple[str, str]]:
    """Take out of the YAML what somebody took away in the app, and return what has to be changed by hand."""
    by_hand = []
    for item in find_lost(sides):
        word = f"{item.holder}/{item.entitlement}"
        if why := keep_lost(sides, item):
            if not declared_so(why):  # else a plan gives it back, or a person decides
                by_hand.append((word, why))
            continue
        session = tree.load()
        number = session.resolved.roster.numbers.get(item.holder)
        blocks = session.resolved.blocks.get(app, ())
        reaching = {block.place for block in blocks if number is not None and number in block.members}
        asked = Asked(item.holder, app, item.entitlement)
        try:
            tree.edit(lambda files: revoke(session.company, files, asked, reaching, exclude=False))  # noqa: B023 - at once
        except (ConfigurationError, EditError) as error:
            by_hand.append((word, error.message))
    return by_hand
