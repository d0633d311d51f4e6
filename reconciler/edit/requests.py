"""Requests become changes of YAML: access is given, extended, taken away, and dropped once it has expired."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from reconciler.edit.asking import Asked, gives, is_alone, names, read_until
from reconciler.edit.file import YamlFile
from reconciler.edit.files import Files
from reconciler.edit.source import Where
from reconciler.edit.writing import Value
from reconciler.errors import ConfigurationError
from reconciler.model.access import GrantBlock, Role, Wanted
from reconciler.model.company import Company
from reconciler.problems import Place

GRANTS_FILE = "grants.yaml"

Grants = dict[str, list[Wanted]]


def grant(company: Company, files: Files, asked: Asked) -> None:
    """Give access: in a grant that the identity has alone with the same end and reason, else in a new one.

    Raises:
        ConfigurationError: a grant for a time gives it already.
        EditError: the file cannot be changed.
    """
    until = read_until(company, asked.until) if asked.until else None
    for block in company.grants:
        if not is_alone(block.to, asked.identity) or block.start:
            continue
        if gives(block, asked) and asked.level == _level(block, asked):
            raise ConfigurationError(
                f"{asked.identity} has a grant of {asked.words} already ({block.place.short})",
                hint="give --extend and --until to move its end",
            )
        if (block.until, block.reason) == (until, asked.reason) and not gives(block, asked):
            _add_to(files, block, asked)
            return
    add_block(company, files, asked, {asked.app: [asked.wanted]})


def _level(block: GrantBlock, asked: Asked) -> str | None:
    found = (one.level for one in block.grants[asked.app] if one.entitlement == asked.entitlement)
    return next(found)


def _add_to(files: Files, block: GrantBlock, asked: Asked) -> None:
    where = (*files.locate(block.place), "grants", asked.app)
    files.change(block.place.file, lambda file: file.append(where, [write_wanted(asked.wanted)]))


def add_block(company: Company, files: Files, asked: Asked, grants: Grants) -> None:
    """Add a grant of its own for an identity, at the end of the file that grants are kept in."""
    kind = "people" if asked.identity in company.people else "service_accounts"
    block: dict[str, Value] = {
        "to": {kind: [asked.identity]},
        "grants": {app: [write_wanted(one) for one in wanted] for app, wanted in grants.items()},
    }
    block |= {key: text for key, text in (("until", asked.until), ("reason", asked.reason)) if text}
    files.change(grants_file(company, files), lambda file: file.append(("grants",), [block]))


def grants_file(company: Company, files: Files) -> str:
    """Return the file that a new grant goes to: grants.yaml, or if there is none, where the last grant is."""
    if GRANTS_FILE in files or not company.grants:
        return GRANTS_FILE
    return company.grants[-1].place.file


def write_wanted(wanted: Wanted) -> Value:
    """Return an entitlement as it is written in a list."""
    return {wanted.entitlement: wanted.level} if wanted.level else wanted.entitlement


def extend(company: Company, files: Files, asked: Asked) -> None:
    """Move the end of a grant; of one that others have too, or that gives more, only this identity's part of it.

    Raises:
        ConfigurationError: no grant for a time gives it, or its end is not before the new one.
    """
    until = read_until(company, asked.until)
    found = [block for block in company.grants if names(block.to, asked.identity) and gives(block, asked)]
    ending = [block for block in found if block.until]
    if not ending:
        reason = "its grant has no end" if found else "no grant of its own gives it"
        raise ConfigurationError(
            f"{asked.words} of {asked.identity} cannot be extended: {reason}", hint="see `explain`"
        )
    block = max(ending, key=lambda one: one.until or until)
    if block.until and block.until >= until:
        raise ConfigurationError(
            f"{asked.words} of {asked.identity} ends at {block.until:%Y-%m-%d %H:%M} UTC already ({block.place.short})",
            hint="an earlier end is no extension: --revoke it, or change the file",
        )
    if is_alone(block.to, asked.identity) and _count(block) == 1:
        where = (*files.locate(block.place), "until")
        files.change(block.place.file, lambda file: file.set(where, asked.until))
        return
    level = asked.level or _level(block, asked)
    reason = asked.reason or block.reason
    own = Asked(asked.identity, asked.app, asked.entitlement, level, asked.until, reason)
    add_block(company, files, own, {asked.app: [own.wanted]})


def _count(block: Role | GrantBlock) -> int:
    return sum(max(len(wanted.wanted), 1) for wanted in block.grants.values())


def revoke(company: Company, files: Files, asked: Asked, reaching: Collection[Place], *, exclude: bool) -> None:
    """Take access away that grants give to this identity by name.

    Args:
        company: as it is.
        files: its files.
        asked: whom and what.
        reaching: where the blocks are written that reach the identity now.
        exclude: whether what comes from a role or a group is kept away by `except`, together with all else that the
            same block gives.

    Raises:
        ConfigurationError: nothing gives it by name, or a role or a group gives it and `exclude` is false.
    """
    own, others = _givers(company, asked, reaching)
    if not own and not others:
        raise ConfigurationError(
            f"nothing gives {asked.words} to {asked.identity}",
            hint="`reconciler explain` shows what is declared; access that nobody declared is shown by `plan`",
        )
    if others and not exclude:
        _refuse_others(others, asked)
    for block in others:
        where = (*files.locate(block.place), "to")
        files.change(block.place.file, partial(_except, where=where, block=block, identity=asked.identity))
    for block in reversed(own):
        _take_from(company, files, block, asked)


def _givers(
    company: Company, asked: Asked, reaching: Collection[Place]
) -> tuple[list[GrantBlock], list[Role | GrantBlock]]:
    """Return the grants that give something to an identity by its name, and the roles and grants that do otherwise."""
    own = [block for block in company.grants if names(block.to, asked.identity) and gives(block, asked)]
    others: list[Role | GrantBlock] = [role for role in company.roles.values() if gives(role, asked)]
    others += [block for block in company.grants if gives(block, asked) and not names(block.to, asked.identity)]
    return own, [block for block in others if block.place in reaching]


def _refuse_others(others: Sequence[Role | GrantBlock], asked: Asked) -> None:
    told = ", ".join(f"{call(block)} ({block.place.short})" for block in others)
    more = sorted({one for block in others for one in _rest(block, asked)})
    also = f"; it would take {', '.join(more)} away too" if more else ""
    raise ConfigurationError(
        f"{asked.words} comes to {asked.identity} from {told}",
        hint=f"give --except to write `except: [{asked.identity}]` there{also}",
    )


def call(block: Role | GrantBlock) -> str:
    """Return how people call a block."""
    return f"role {block.name}" if isinstance(block, Role) else "a grant"


def _rest(block: Role | GrantBlock, asked: Asked) -> list[str]:
    """Return what a block gives beside what is asked."""
    return [
        f"{app}/{one.entitlement}"
        for app, wanted in block.grants.items()
        for one in wanted
        if (app, one.entitlement) != (asked.app, asked.entitlement)
    ]


def _except(file: YamlFile, *, where: Where, block: Role | GrantBlock, identity: str) -> YamlFile:
    if names(block.to, identity):
        return _unlist(file, where, block, identity)
    if file.length(*where):
        return file.append((*where, "except"), [identity])
    return file.set(where, {"everyone": True, "except": [identity]})


def _unlist(file: YamlFile, where: Where, block: Role | GrantBlock, identity: str) -> YamlFile:
    """Take an identity out of the list that it stands in; an empty list is not left behind."""
    for key, listed in (("people", block.to.people), ("service_accounts", block.to.service_accounts)):
        if identity in listed:
            alone = len(listed) == 1 and file.length(*where) > 1
            file = file.remove(*where, key) if alone else file.remove(*where, key, listed.index(identity))
    return file


def _take_from(company: Company, files: Files, block: GrantBlock, asked: Asked) -> None:
    """Take what is asked out of a grant: the whole of it, one entitlement, or one of several holders."""
    where = files.locate(block.place)
    rest = _without(block, asked)
    if is_alone(block.to, asked.identity):
        files.change(
            block.place.file, lambda file: file.remove(*where) if not rest else _shrink(file, where, block, asked)
        )
        return
    if rest:
        until = _text(files, (*where, "until"), block)
        own = Asked(asked.identity, asked.app, asked.entitlement, None, until, block.reason)
        if block.start:
            raise ConfigurationError(
                f"the grant at {block.place.short} has a start and several holders", hint="split it"
            )
        add_block(company, files, own, rest)
    files.change(block.place.file, lambda file: _unlist(file, (*where, "to"), block, asked.identity))


def _text(files: Files, where: Where, block: GrantBlock) -> str:
    if block.until is None:
        return ""
    node: Any = files.get(block.place.file).source.find(where)
    return str(node.text)


def _without(block: GrantBlock, asked: Asked) -> Grants:
    """Return what a grant gives beside what is asked; an app of which nothing is left is left out."""
    rest = {app: [one for one in wanted if not _is_asked(app, one, asked)] for app, wanted in block.grants.items()}
    return {app: wanted for app, wanted in rest.items() if wanted or not block.grants[app].wanted}


def _is_asked(app: str, wanted: Wanted, asked: Asked) -> bool:
    return (app, wanted.entitlement) == (asked.app, asked.entitlement) and asked.level in (None, wanted.level)


def _shrink(file: YamlFile, where: Where, block: GrantBlock, asked: Asked) -> YamlFile:
    wanted = block.grants[asked.app].wanted
    gone = [index for index, one in enumerate(wanted) if _is_asked(asked.app, one, asked)]
    if len(gone) == len(wanted):
        return file.remove(*where, "grants", asked.app)
    for index in reversed(gone):
        file = file.remove(*where, "grants", asked.app, index)
    return file


def drop_expired(company: Company, files: Files, moment: datetime) -> list[GrantBlock]:
    """Remove every grant whose time is over, and return those; nothing that anybody has changes by it.

    Raises:
        EditError: a file cannot be changed.
    """
    gone = [block for block in company.grants if block.until and block.until <= moment]
    for block in sorted(gone, key=lambda one: one.place, reverse=True):
        where = files.locate(block.place)
        files.change(block.place.file, lambda file, where=where: file.remove(*where))  # type: ignore[misc] # bound now
    return gone
