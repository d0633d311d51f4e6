"""What a repository of access needs around its YAML: workflows, code owners, an issue form, and first files.

A file that we made says so in its first line, with a hash over the rest: as long as that is true it can be made anew; a
file that somebody edited, or that was there before, is theirs and is only ever told about.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from reconciler.errors import ConfigurationError
from reconciler.model.apps import Plans
from reconciler.model.company import Company
from reconciler.model.identities import FORGE
from reconciler.provider.secret import Secret
from reconciler.run.ways import TICKET

_MADE: Final = re.compile(r"# made by reconciler init [0-9a-f]{12}: edit it, and it is yours\n")
_PINNED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100})@([0-9a-f]{40})")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,100}")
_BEGIN, _END = "# reconciler: begin", "# reconciler: end"
_OWNERS: Final = ".github/CODEOWNERS"


class Done(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    UPDATED = "updated"
    SAME = "as it was"
    KEPT = "kept: it is yours"


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody decided.

    Attributes:
        tool: `OWNER/NAME@COMMIT` of the actions; empty for no workflows.
        environment: the name of the environment that holds the tokens that write.
        propose: what the scheduled run proposes as pull requests: `expired`, `drift`.
    """

    tool: str = ""
    branch: str = "main"
    environment: str = "access"
    organization: str = ""
    timezone: str = "UTC"
    propose: tuple[str, ...] = ()


def make_files(choices: Choices, company: Company | None) -> dict[str, str]:
    """Return the files, by their paths; those that depend on the company only where there is one already.

    Raises:
        ConfigurationError: a choice cannot be written.
    """
    _check(choices)
    made = {} if company else dict(_first_files(choices))
    if choices.tool:
        made |= _workflows(choices, company)
    return made


def _check(choices: Choices) -> None:
    if choices.tool and not _PINNED.fullmatch(choices.tool):
        raise ConfigurationError(
            f"{choices.tool!r} is no pinned repository", hint="write OWNER/NAME@ and the 40 digits of a commit"
        )
    for name in (choices.branch, choices.environment, choices.timezone):
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} cannot be written into a workflow", hint="use letters, digits, _ . / -")


def _first_files(choices: Choices) -> Iterator[tuple[str, str]]:
    values = {"ORGANIZATION": _quote(choices.organization or "Acme"), "TIMEZONE": choices.timezone}
    yield "reconciler.yaml", _fill("reconciler.yaml", values)
    yield "people.yaml", _fill("people.yaml", {})
    yield "apps/wiki.yaml", _fill("wiki.yaml", {})
    yield "policies.yaml", _fill("policies.yaml", {})
    yield ".gitignore", ".reconciler/\n"


def _workflows(choices: Choices, company: Company | None) -> dict[str, str]:
    tool, _, commit = choices.tool.partition("@")
    state = company.settings.state if company else {"git": {}}
    writes = "write # the state's branch" if "git" in state else "read # the YAML and its history"
    values = {
        "TOOL": tool,
        "COMMIT": commit,
        "BRANCH": choices.branch,
        "ENVIRONMENT": choices.environment,
        "CONTENTS": writes,
        "SECRETS": _secrets(company),
        "PULLS": "      pull-requests: write # what is proposed\n" if choices.propose else "",
        "OFFERS": "".join(f'          propose-{one}: "true"\n' for one in sorted(set(choices.propose))),
    }
    nightly = (
        {**values, "CONTENTS": "write # branches: of what is proposed, and of the state"} if choices.propose else values
    )
    special = {"access-drift.yml": nightly, "access-plan.yml": {**values, "SECRETS": _secrets(company, live=True)}}
    made = {
        f".github/workflows/{name}": _mark(_fill(name, special.get(name, values)))
        for name in ("access-plan.yml", "access-apply.yml", "access-drift.yml", "access-request.yml")
    }
    form = ".github/ISSUE_TEMPLATE/access-request.yml"
    return made | {form: _mark(_fill("access-request.form.yml", {}))}


def _secrets(company: Company | None, *, live: bool = False) -> str:
    """Return the `env` of a step: every variable that the routes name, as a secret of the job's environment.

    Args:
        company: whose routes.
        live: whether only apps count that plans ask, and not those that are planned by snapshots.
    """
    names = sorted(secret_names(company, live=live)) if company else []
    return (
        "".join(["        env:\n", *(f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in names)])
        if names
        else ""
    )


def secret_names(company: Company, *, live: bool = False) -> set[str]:
    """Return the variables that the routes of a company's apps, and its tickets and state, refer to as secrets.

    Args:
        company: whose apps.
        live: whether of apps with `plans: snapshot` only the tickets count.
    """
    ways = [(app, way) for app in company.apps.values() for way in app.route]
    configs: list[Any] = [
        way.config for app, way in ways if not live or app.plans is Plans.LIVE or way.provider == TICKET
    ]
    return {
        name for config in (*configs, company.settings.tickets, company.settings.state) for name in _variables(config)
    }


def _variables(config: Any) -> Iterator[str]:
    match config:
        case Secret(source="env", name=name):
            yield name
        case {"env": str(name)} if len(config) == 1:
            yield name
        case Mapping():
            for value in config.values():
                yield from _variables(value)
        case list() | tuple():
            for value in config:
                yield from _variables(value)


def _fill(template: str, values: Mapping[str, str]) -> str:
    text = (files("reconciler.ci") / "templates" / template).read_text(encoding="utf-8")
    for name, value in values.items():
        text = re.sub(rf"(?m)^@@{name}@@\n", lambda _, value=value: value, text)  # type: ignore[misc]
        text = text.replace(f"@@{name}@@", value)
    return text


def _quote(text: str) -> str:
    """Return a text as a YAML scalar in double quotes (JSON is YAML)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _mark(text: str) -> str:
    return f"# made by reconciler init {_hash(text)}: edit it, and it is yours\n{text}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def is_ours(text: str) -> bool:
    """Say whether a file is exactly as we made it."""
    found = _MADE.match(text)
    return bool(found) and text == _mark(text[found.end() :] if found else "")


def owners_block(company: Company) -> str:
    """Return the code owners of a company's files: each app's file belongs to its owner, by their name on GitHub."""
    lines: dict[str, set[str]] = {}
    for app in company.apps.values():
        owner = company.people.get(app.owner)
        name = owner.usernames.get(FORGE, "") if owner else ""
        if name and app.place.file:
            lines.setdefault(f"/{app.place.file}", set()).add(f"@{name}")
    rows = [f"{_escape(path)} {' '.join(sorted(names))}" for path, names in sorted(lines.items())]
    return "\n".join(
        [_BEGIN, "# made by reconciler init from the owners of apps; edit outside of these lines", *rows, _END]
    )


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(" ", "\\ ").replace("#", "\\#")


def merge_owners(there: str, block: str) -> str:
    """Return a CODEOWNERS with our block in it, everything else as it was."""
    before, begin, rest = there.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if begin and end:
        return f"{before}{block}{after}"
    return f"{there.rstrip()}\n\n{block}\n".lstrip() if there.strip() else f"{block}\n"


def write_files(root: Path, made: Mapping[str, str], *, overwrite: Sequence[str] = ()) -> Iterator[tuple[str, Done]]:
    """Write files that are not there yet or that we made, and tell what became of each.

    Args:
        root: the top of the repository.
        made: path → content.
        overwrite: paths that are replaced even if they are somebody's own.

    Raises:
        ConfigurationError: one cannot be written, or leads out of the repository by a link.
    """
    for name, text in made.items():
        path = root / name
        if not path.parent.resolve().is_relative_to(root.resolve()) or path.is_symlink():
            raise ConfigurationError(f"{name} is a link, or in one", hint="nothing is written through links")
        try:
            there = path.read_text(encoding="utf-8") if path.exists() else None
            done = _decide(there, text, forced=name in overwrite)
            if done in {Done.WRITTEN, Done.UPDATED}:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name} cannot be written: {error}") from None
        yield name, done


def _decide(there: str | None, text: str, *, forced: bool) -> Done:
    if there is None:
        return Done.WRITTEN
    if there == text:
        return Done.SAME
    return Done.UPDATED if forced or is_ours(there) or _BEGIN in text else Done.KEPT


def owners_file(root: Path, company: Company) -> dict[str, str]:
    """Return the CODEOWNERS with the block of now; nothing where no owner has a name on GitHub."""
    block = owners_block(company)
    path = root / _OWNERS
    there = path.read_text(encoding="utf-8") if path.is_file() and not path.is_symlink() else ""
    return {_OWNERS: merge_owners(there, block)} if "@" in block or _BEGIN in there else {}
