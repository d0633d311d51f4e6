"""Parsed files are kept, and never trusted beyond their form."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from conftest import APPS, MOMENT, PEOPLE, Repository

from reconciler.load import cache as cache_module
from reconciler.load import company as company_module
from reconciler.load.cache import Cache
from reconciler.load.company import load_contents
from reconciler.load.parse import parse_file
from reconciler.load.records import FileRecord

BIG = """\
groups: {g: {where: {location: [Berlin]}}}
roles: {r: {to: {groups: [g]}, grants: {github: [team:a, {repo:b: write}], slack: }}}
grants: [{to: {people: [ana]}, grants: {github: [team:a]}, until: 2027-01-01, reason: x}]
"""


@pytest.fixture
def cached(acme: Repository) -> Repository:
    """Return a repository that is loaded with a cache."""
    acme.cache = acme.root / ".reconciler" / "cache"
    acme.write("more.yaml", BIG).write("apps/jira.yaml", "apps: {jira: {owner: ana, route: [{file: {path: x.csv}}]}}")
    acme.write("policies.yaml", "policies: {limits: {leavers: 1%}, never_together: {x: [github/a:b, slack/c:d]}}")
    return acme


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the contents that are parsed while the test runs."""
    contents: list[bytes] = []

    def parse(content: bytes, *, private: bool = False) -> FileRecord:
        contents.append(content)
        return parse_file(content, private=private)

    monkeypatch.setattr(company_module, "parse_file", parse)
    return contents


def entries(repository: Repository) -> list[Path]:
    """Return the entries of the cache."""
    assert repository.cache
    return sorted(repository.cache.iterdir())


def test_a_warm_load_gives_what_a_cold_one_gives(cached: Repository, parsed: list[bytes]) -> None:
    """The same company, without parsing anything."""
    cold = cached.load()
    assert len(parsed) == 5
    parsed.clear()
    assert cached.load() == cold
    assert not parsed
    cached.cache = None
    assert cached.load() == cold


def test_only_what_changed_is_parsed(cached: Repository, parsed: list[bytes]) -> None:
    """A file that moved was not changed."""
    cached.load()
    parsed.clear()
    (cached.root / "people.yaml").rename(cached.root / "persons.yaml")
    cached.write("more.yaml", BIG + "# a remark\n")
    company = cached.company()
    assert parsed == [(BIG + "# a remark\n").encode()]
    assert company.people["ana"].place.file == "persons.yaml"


def test_errors_are_not_kept_and_warnings_are(cached: Repository, parsed: list[bytes]) -> None:
    """An error is found anew each time, a warning is told each time."""
    cached.write("bad.yaml", "people: {kim: {nam: Kim}}").write("twice.yaml", "groups: {h: {people: [ana, ana]}}")
    cached.problems()
    parsed.clear()
    told = cached.problems()
    assert parsed == [b"people: {kim: {nam: Kim}}"]
    assert [line.partition(" ")[0] for line in told] == ["bad.yaml:1:10:", "bad.yaml:1:16:", "twice.yaml:1:28:"]


@pytest.mark.parametrize("damage", [b"", b"\x80", b"\xc1", b"\x93" * 5_000, b"nonsense", b"\xdc\xff\xff" + b"\x00" * 9])
def test_a_damaged_entry_is_ignored(cached: Repository, parsed: list[bytes], damage: bytes) -> None:
    """It is parsed again, and written again."""
    cold = cached.load()
    for entry in entries(cached):
        entry.write_bytes(damage)
    parsed.clear()
    assert cached.load() == cold
    assert len(parsed) == 5
    parsed.clear()
    assert cached.load() == cold
    assert not parsed


def test_every_shortened_entry_is_ignored(cached: Repository) -> None:
    """Wherever a crash cut it off."""
    cold = cached.load()
    whole = {entry: entry.read_bytes() for entry in entries(cached)}
    for share in (0.1, 0.5, 0.9, 0.99):
        for entry, content in whole.items():
            entry.write_bytes(content[: int(len(content) * share)])
        assert cached.load() == cold


def test_an_entry_under_another_key_is_ignored(cached: Repository, parsed: list[bytes]) -> None:
    """Whoever copies one entry over another changes nothing."""
    cold = cached.load()
    first, *others = entries(cached)
    for other in others:
        other.write_bytes(first.read_bytes())
    parsed.clear()
    assert cached.load() == cold
    assert len(parsed) == len(others)


def test_columns_that_do_not_fit_are_ignored(cached: Repository) -> None:
    """Types alone do not tell that an index leads outside its table."""
    cold = cached.load()
    for entry in entries(cached):
        kept = msgspec.msgpack.decode(entry.read_bytes(), type=cache_module._Kept)
        for block in [*kept.record.roles, *kept.record.grants]:
            block.grants["github"].indexes = b"\xff\xff\xff\x7f" * (len(block.grants["github"].indexes) // 4)
        entry.write_bytes(msgspec.msgpack.encode(kept))
    assert cached.load() == cold


@pytest.mark.parametrize("name", ["SCHEMA_VERSION", "tool_version"])
def test_another_version_starts_anew(
    cached: Repository, parsed: list[bytes], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What an older tool understood of a file proves nothing."""
    cached.load()
    parsed.clear()
    monkeypatch.setattr(cache_module, name, 10**6 if name.isupper() else lambda: "99")
    cached.load()
    assert len(parsed) == 5


def test_another_version_of_a_provider_checks_its_routes_again(
    cached: Repository, parsed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the files whose routes it checked."""
    cached.load()
    parsed.clear()
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "99")
    cached.load()
    assert [content[:12] for content in parsed] == [b"apps: {jira:"]


def test_the_folder_is_only_ours(cached: Repository) -> None:
    """Nobody else can read it, also if it was there before."""
    assert cached.cache
    cached.cache.mkdir(parents=True, mode=0o777)
    cached.cache.chmod(0o777)
    cached.load()
    assert cached.cache.stat().st_mode & 0o777 == 0o700
    assert all(entry.stat().st_mode & 0o077 == 0 for entry in entries(cached))


def test_a_folder_that_cannot_be_used_costs_only_time(cached: Repository, tmp_path: Path) -> None:
    """A file in its place, a link, a place that cannot be written to."""
    cold = cached.load()
    (tmp_path / "file").write_text("")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for folder in (tmp_path / "file", tmp_path / "link", Path("/proc/nowhere"), tmp_path / "file" / "inside"):
        cached.cache = folder
        assert cached.load() == cold
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_cache_is_bounded(cached: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest entries and what a crash left behind go first."""
    monkeypatch.setattr(cache_module, "MAX_ENTRIES", 6)
    cached.load()
    assert cached.cache
    before = set(entries(cached))
    left = cached.cache / "new-left"
    left.write_bytes(b"")
    for number, entry in enumerate([left, *before]):
        os.utime(entry, (number, number))
    for number in range(4):
        cached.write(f"g{number}.yaml", f"groups: {{g{number}: {{people: [ana]}}}}")
    cached.load()
    after = set(entries(cached))
    assert len(after) == 6
    assert left not in after
    assert len(after - before) == 4


def test_nothing_encrypted_or_secret_is_kept(cached: Repository) -> None:
    """A reference to a secret is kept, its value was never read."""
    cached.write(
        "apps/scim.yaml",
        "apps: {s: {owner: ana, route: [{scim: {url: 'https://x.example/v2', token: {env: ACME_TOKEN}}}]}}",
    )
    os.environ["ACME_TOKEN"] = "canary-7f3a"
    try:
        cached.load()
    finally:
        del os.environ["ACME_TOKEN"]
    kept = b"".join(entry.read_bytes() for entry in entries(cached))
    assert b"ACME_TOKEN" in kept
    assert b"canary" not in kept


def test_two_revisions_share_what_they_have_in_common(tmp_path: Path, parsed: list[bytes]) -> None:
    """The base and the head of a pull request: one file differs, one file is parsed twice."""
    base = {"people.yaml": PEOPLE.encode(), "apps.yaml": APPS.encode(), "more.yaml": BIG.encode()}
    head = {**base, "more.yaml": BIG.replace("team:a", "team:b").encode(), ".hidden.yaml": b"x: 1", "notes.txt": b"x"}
    cache = Cache(None)
    first = load_contents(tmp_path, base, moment=MOMENT, cache=cache).company
    second = load_contents(tmp_path, head, moment=MOMENT, cache=cache).company
    assert len(parsed) == 4
    assert first.digest != second.digest
    assert first.people == second.people
    assert second.grants[0].grants["github"].wanted[0].entitlement == "team:b"


def test_a_revision_is_read_as_a_folder_is(cached: Repository) -> None:
    """The same files give the same company, digest included."""
    cached.write("reconciler.yaml", "organization: Acme\n")
    contents = {
        path.relative_to(cached.root).as_posix(): path.read_bytes()
        for path in cached.root.rglob("*")
        if path.is_file() and ".reconciler" not in path.parts
    }
    assert load_contents(cached.root, contents, moment=MOMENT, cache=Cache(None)) == cached.load()
