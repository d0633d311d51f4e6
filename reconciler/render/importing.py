"""What an import came to: what was written where, and everything that was not."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.discover.roles import Suggestion
from reconciler.edit.requests import write_wanted
from reconciler.edit.writing import Value, write_section
from reconciler.render.escape import visible
from reconciler.render.words import number as counted

if TYPE_CHECKING:
    from reconciler.run.importing import PeopleImport
    from reconciler.run.importing_access import AccessImport

_MOST = 20
"""So many of one sort are listed; the rest is counted."""


def people_data(done: "PeopleImport") -> dict[str, Any]:
    """Return an import of people as data."""
    merged = done.merged
    return {
        "added": sorted(merged.added),
        "changed": {name: sorted(fields) for name, fields in sorted(merged.changed.items())},
        "missing": list(merged.missing),
        "skipped": list(done.skipped),
        "notes": list(done.notes),
        "files": list(done.files),
    }


def render_people(done: "PeopleImport", *, dry_run: bool) -> Iterator[str]:
    """Yield the lines that tell of an import of people."""
    merged = done.merged
    yield f"{_people(len(merged.added))} added, {len(merged.changed)} changed"
    yield from _listed([f"~ {name}: {', '.join(fields)}" for name, fields in sorted(merged.changed.items())])
    if merged.missing:
        yield f"{len(merged.missing)} in the YAML, but not found (nobody is deleted; give leavers a last_day):"
        yield from _listed(merged.missing)
    if done.skipped:
        yield f"{len(done.skipped)} left out:"
        yield from _listed(done.skipped)
    if done.notes:
        yield "to know:"
        yield from _listed(done.notes)
    yield _files(done.files, dry_run=dry_run)


def access_data(done: "AccessImport") -> dict[str, Any]:
    """Return an import of an app as data."""
    found = done.found
    return {
        "grants": sum(len(one.wanted) * _holders(one) for one in found.blocks),
        "unmatched": [
            {
                "id": one.account.remote_id,
                "username": one.account.username,
                "email": one.account.email,
                "status": one.account.status.value,
                "holds": list(one.holds),
                "privileged": one.privileged,
            }
            for one in found.strangers
        ],
        "blocked": dict(found.blocked),
        "suspended": list(found.suspended),
        "withheld": [f"{holder}/{key}" for holder, key in found.withheld],
        "levels": [list(one) for one in found.levels],
        "service_accounts": list(done.services),
        "dropped": list(done.dropped),
        "kept": [{"item": item, "why": why} for item, why in done.kept],
        "suggestions": [_role(number, one) for number, one in enumerate(done.suggestions, 1)],
        "unwritable": list(found.unwritable),
        "unread": list(found.unread),
        "files": list(done.files),
    }


def render_access(app: str, done: "AccessImport", *, dry_run: bool) -> Iterator[str]:
    """Yield the lines that tell of an import of an app."""
    found = done.found
    if found.unread:
        yield f"{app} could not be read completely; nothing is written:"
        yield from _listed(found.unread)
        return
    grants = sum(len(one.wanted) * _holders(one) for one in found.blocks)
    bare = sum(_holders(one) for one in found.blocks if not one.wanted)
    without = f" and {counted(bare, 'account')} without any" if bare else ""
    yield f"{app}: {counted(grants, 'grant')}{without} that the YAML did not say"
    yield from _sort("no longer in the YAML", done.dropped)
    yield from _sort("new service accounts; look at each, and give it a review_by", done.services)
    strangers = [
        f"{'! ' if one.privileged else ''}{one.account.username or one.account.email or one.account.remote_id}"
        f" ({one.account.status}){': ' + ', '.join(one.holds[:5]) if one.holds else ''}"
        for one in found.strangers
    ]
    what = "account matches" if len(strangers) == 1 else "accounts match"
    yield from _sort(f"{what} nobody (! has privileged access)", strangers)
    yield from _sort("cannot be told", [f"{name}: {why}" for name, why in found.blocked.items()])
    yield from _sort("suspended in the app, and left so", found.suspended)
    withheld = [f"--accept {holder}/{key}" for holder, key in found.withheld]
    yield from _sort("privileged, protected or sounding so, and only written where it is named", withheld)
    kept = [f"--accept {item}: {why}" for item, why in done.kept]
    yield from _sort("gone in the app, and only taken out of the YAML where it is named", kept)
    levels = [
        f"{holder} {key}: declared {want or 'none'}, is {live or 'none'}" for holder, key, want, live in found.levels
    ]
    yield from _sort("at another level than declared; change it by hand", levels)
    yield from _sort("named in a way that no YAML can say; left unmanaged", found.unwritable)
    powerful = [f"{key}: {{privileged: true}}" for key in found.powerful]
    yield from _sort(f"sounds privileged; if it is, say so under apps.{app}.entitlements", powerful)
    yield _files(done.files, dry_run=dry_run)


def render_suggestions(app: str, suggestions: Sequence[Suggestion]) -> Iterator[str]:
    """Yield suggested roles as YAML that can be copied; nothing was written."""
    if not suggestions:
        yield "# no pattern found"
        return
    yield ""
    yield "# Suggested, not written. Take the same grants out of the imported file once a role is in place."
    groups: dict[str, Value] = {}
    roles: dict[str, Value] = {}
    for number, one in enumerate(suggestions, 1):
        role = _role(number, one)
        if one.attribute:
            groups[role["group"]] = {"where": {one.attribute: one.value}}
        to: Value = "everyone" if not role["group"] else {"groups": [role["group"]]}
        if role["group"] and not one.attribute:
            groups[role["group"]] = {"people": one.people}
        roles[role["name"]] = {"to": to, "grants": {app: [write_wanted(wanted) for wanted in one.wanted]}}
    for name, value in (("groups", groups), ("roles", roles)):
        yield from write_section(name, value) if value else ()


def _role(number: int, one: Suggestion) -> dict[str, Any]:
    from reconciler.discover.ids import slug  # noqa: PLC0415 - only for suggestions

    stem = slug(one.value) if one.attribute else ""
    group = "" if one.everyone else stem or f"set-{number}"
    return {
        "name": group or "everyone",
        "group": group,
        "where": {one.attribute: one.value} if one.attribute else {},
        "people": list(one.people),
        "entitlements": [wanted.entitlement for wanted in one.wanted],
        "others": one.others,
    }


def _holders(block: Any) -> int:
    return len(block.people) + len(block.service_accounts) + len(block.entitlements)


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _sort(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{len(lines)} {title}:"
        yield from _listed(lines)


def _listed(lines: Iterable[str]) -> Iterator[str]:
    shown = list(lines)
    yield from (f"  {visible(line)}" for line in shown[:_MOST])
    if len(shown) > _MOST:
        yield f"  … and {len(shown) - _MOST} more (--json lists all)"


def _files(files: Sequence[str], *, dry_run: bool) -> str:
    if not files:
        return "nothing to write: the YAML says so already"
    return f"{'would write' if dry_run else 'wrote'} {', '.join(map(visible, files))}"
