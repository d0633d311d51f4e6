"""How people spread what they write over files is their business."""

from __future__ import annotations

import tempfile
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from conftest import MOMENT
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InputError
from reconciler.load.company import Loaded, load_company

ENTRIES = [
    ("people", "ana: {name: Ana, email: ana@acme.example, department: Engineering, manager: omar}"),
    ("people", "omar: {name: Omar, email: omar@acme.example, attributes: {location: Berlin}}"),
    ("people", "kim: {name: Kim, type: contractor, last_day: 2026-12-31}"),
    ("service_accounts", "bot: {owner: kim, review_by: 2026-01-01}"),
    ("groups", "engineering: {where: {department: Engineering}}"),
    ("groups", "berlin: {where: \"location == 'Berlin'\", groups: [engineering]}"),
    ("roles", "engineer: {to: {groups: [berlin]}, grants: {github: [team:a, {repo:b: write}]}}"),
    ("roles", "talker: {to: everyone, grants: {slack: [channel:a]}}"),
    ("grants", "- {to: {people: [ana]}, grants: {github: [team:a]}, until: 2026-01-01}"),
    ("grants", "- {to: {service_accounts: [bot]}, grants: {github: []}}"),
    ("apps", "github: {owner: omar}"),
    ("apps", "slack: {owner: kim, entitlements: {channel:a: {approvers: [berlin]}}}"),
]
MISTAKES = [
    ("people", "ana: {name: Another Ana}"),
    ("people", "eve: {name: Eve, email: ANA@acme.example}"),
    ("groups", "engineering: {people: [ana]}"),
    ("groups", "strangers: {people: [nobody]}"),
    ("roles", "broken: {to: {groups: [enginering]}, grants: {gitub: [team]}}"),
    ("apps", "slack: {owner: ana}"),
    ("apps", "jira: {ownr: ana}"),
]

_spread = st.lists(st.integers(0, 3), min_size=len(ENTRIES) + len(MISTAKES), max_size=len(ENTRIES) + len(MISTAKES))


def load(entries: list[tuple[str, str]], files: list[int]) -> Loaded:
    """Load entries that are spread over files."""
    with tempfile.TemporaryDirectory() as name:
        texts: dict[Path, dict[str, list[str]]] = {}
        for (section, text), file in zip(entries, files, strict=False):
            path = Path(name, "apps" if section == "apps" else f"folder{file}", f"file{file}.yaml")
            texts.setdefault(path, {}).setdefault(section, []).append(text)
        for path, sections in texts.items():
            path.parent.mkdir(exist_ok=True)
            lines = (
                f"{section}:\n" + "".join(f"  {text}\n" for text in inside) for section, inside in sections.items()
            )
            path.write_text("---\n".join(lines))
        return load_company(Path(name), moment=MOMENT)


def meaning(value: Any) -> Any:
    """Return a value without its places, in an order of its own."""
    if is_dataclass(value):
        left_out = {"place", "file", "lines", "digest", "settings"}
        return type(value).__name__, [
            (field.name, meaning(getattr(value, field.name))) for field in fields(value) if field.name not in left_out
        ]
    if isinstance(value, dict):
        return sorted((key, meaning(one)) for key, one in value.items())
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return sorted((meaning(one) for one in value), key=repr)
    return value


PLAIN = meaning(load(ENTRIES, [0] * len(ENTRIES)).company)


@given(_spread, st.permutations(ENTRIES))
def test_the_order_of_files_and_entries_never_matters(files: list[int], entries: list[tuple[str, str]]) -> None:
    """Whatever stands where, the company and the warnings are the same."""
    loaded = load(entries, files)
    assert meaning(loaded.company) == PLAIN
    assert sorted(warning.message for warning in loaded.warnings) == [
        "service account bot was to be reviewed by 2026-01-01",
        "this grant expired at 2026-01-02 00:00 UTC",
    ]


@given(_spread, st.permutations(ENTRIES + MISTAKES))
def test_the_same_mistakes_are_told_wherever_they_stand(files: list[int], entries: list[tuple[str, str]]) -> None:
    """Which of two definitions is the second one depends on the order; that there are two does not."""
    try:
        load(entries, files)
    except InputError as error:
        told = " | ".join(problem.message for problem in error.problems)
    else:
        told = ""
    for words in (
        '"ana"',
        "engineering",
        '"nobody"',
        '"enginering"',
        '"gitub"',
        '"team"',
        "slack",
        '"ownr"',
        "no owner",
    ):
        assert words.strip('"') in told, words
