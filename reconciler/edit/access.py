"""Grants that were found in an app are written into a file of their own, beside those that are there."""

from collections.abc import Mapping
from functools import partial

from reconciler.discover.access import Block
from reconciler.edit.file import YamlFile, write_file
from reconciler.edit.files import Files
from reconciler.edit.requests import write_wanted
from reconciler.edit.writing import Value
from reconciler.model.access import GrantBlock
from reconciler.model.company import Company


def add_grants(company: Company, files: Files, app: str, blocks: tuple[Block, ...]) -> None:
    """Write what was found in an app: into a grant that gives precisely that to people by name, else into a new one.

    Raises:
        EditError: a file cannot be changed.
    """
    path = f"grants/{app}.yaml"
    same = {tuple(sorted(block.grants[app].wanted)): block for block in company.grants if _is_plain(block, app)}
    new: list[Value] = []
    for one in blocks:
        there = same.get(tuple(sorted(one.wanted)))
        if there is not None and not one.service_accounts and not one.entitlements:
            where = (*files.locate(there.place), "to", "people")
            files.change(there.place.file, partial(_append, where=where, people=one.people))
        else:
            new.append(write_block(app, one))
    if not new:
        return
    if path in files:
        files.change(path, lambda file: file.append(("grants",), new))
    else:
        comment = f"Access that was there in {app} when it was imported."
        files.change(path, lambda file: YamlFile(file.name, write_file({"grants": new}, comment=comment, name=path)))


def _is_plain(block: GrantBlock, app: str) -> bool:
    """Say whether a grant gives something in one app to people by name, without end or reason."""
    to = block.to
    mixed = to.groups or to.service_accounts or to.entitlements or to.everyone or to.excluded
    return list(block.grants) == [app] and bool(to.people) and not (mixed or block.until or block.start or block.reason)


def _append(file: YamlFile, *, where: tuple[str | int, ...], people: tuple[str, ...]) -> YamlFile:
    return file.append(where, people)


def write_block(app: str, block: Block) -> dict[str, Value]:
    """Return a grant as it is written."""
    keys = [f"{app}/{key}" for key in block.entitlements]
    to: dict[str, Value] = {"people": block.people, "service_accounts": block.service_accounts, "entitlements": keys}
    return {
        "to": {key: listed for key, listed in to.items() if listed},
        "grants": {app: [write_wanted(one) for one in block.wanted]},
    }


def add_service_accounts(company: Company, files: Files, added: Mapping[str, Mapping[str, Value]]) -> None:
    """Write service accounts into the file that has the others, else into one of their own.

    Raises:
        EditError: the file cannot be changed.
    """
    if not added:
        return
    places = [one.place.file for one in company.service_accounts.values()]
    path = places[-1] if places else "service_accounts.yaml"
    if path in files:
        files.change(path, lambda file: file.add_entries(("service_accounts",), dict(added)))
    else:
        files.change(path, lambda file: YamlFile(file.name, write_file({"service_accounts": dict(added)}, name=path)))
