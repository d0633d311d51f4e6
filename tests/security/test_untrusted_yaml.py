"""The YAML of a pull request is data: it cannot run code, leave the repository, or keep the tool busy for long."""

import json
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from cli_company import COMMAND, ROOT, Company, environment

from reconciler.cli.exits import Exit

SECONDS = 15.0
"""Far more than any of this takes, far less than a hang."""
MEMORY = 1_500 * 1024 * 1024

COMMANDS = (["validate"], ["apply", "--yes"])


def run_bounded(company: Company, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a bound on memory, and fail if it takes long."""
    began = time.monotonic()
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=company.folder,
        env=environment(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert time.monotonic() - began < SECONDS
    return done


def refused(company: Company, *, place: str, words: str = "") -> None:
    """Every command tells what is wrong at its place, soon and without a traceback."""
    for arguments in COMMANDS:
        done = run_bounded(company, *arguments)
        assert done.returncode == Exit.ERROR, (arguments, done.stdout, done.stderr)
        assert place in done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert "a fault of reconciler" not in done.stderr


def laughs(levels: int) -> str:
    """Return a list of ten lists of ten lists …, by aliases."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("people:\n  kim:\n    attributes:\n" + "\n".join(f"      {x}" for x in laughs(9).splitlines()), "aliases"),
        ("people: " + "[" * 100_000, ""),
        ("people: " + "{a: " * 20_000, ""),
        ("people: {kim: {name: '" + "x" * 3_000_000 + "'}}", ""),
        ("people:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 3_000)), ""),
        ("&a people: *a", ""),
        ("people: !!python/object/apply:os.system ['touch pwned']", ""),
        ("people: !!python/name:os.system ''", ""),
        ("people: !include /etc/passwd", ""),
    ],
    ids=["laughs", "brackets", "braces", "huge", "deep", "itself", "object", "name", "include"],
)
def test_a_bomb_is_an_error_at_its_place(company: Company, text: str, words: str) -> None:
    """Aliases, nesting, huge scalars and tags that would be code elsewhere."""
    company.write("bomb.yaml", text)
    refused(company, place="bomb.yaml:", words=words)
    assert not (company.folder / "pwned").exists()


def test_a_bomb_in_the_settings_is_an_error(company: Company) -> None:
    """They are read first, before anything bounds the rest."""
    company.write("reconciler.yaml", "tickets:\n" + "\n".join(f"  {line}" for line in laughs(9).splitlines()))
    refused(company, place="reconciler.yaml")


ESCAPES = [
    "person.__class__.__mro__[1].__subclasses__()",
    "''.__class__.__base__.__subclasses__()",
    "self._TemplateReference__context",
    "cycler.__init__.__globals__.os.popen('touch pwned').read()",
    "lipsum.__globals__['os'].environ",
    "person['__class__']",
    "person.name|attr('__class__')",
    "person.name.format(person)",
    "'{0.__class__}'.format(person)",
    "'%s' % person.name",
    "'x' * 1000000000",
    "9 ** 9 ** 9",
    "range(10**9)|list",
    "namespace(a=1)",
    "config",
    "request",
    "open('/etc/passwd').read()",
    "__import__('os').system('touch pwned')",
]


STATEMENTS = [
    "{% for a in range(9) %}{{ a }}{% endfor %}",
    "{% set x = 1 %}{{ x }}",
    "{% include 'people.yaml' %}",
    "{% import 'x' as y %}",
]


def test_no_template_gets_out_of_its_sandbox(company: Company) -> None:
    """In the attributes of an app, which end up in profiles: no attribute, no call, no loop, no import, no file."""
    sources = [f"{{{{ {source} }}}}" for source in ESCAPES] + STATEMENTS
    lines = [f"        name{number}: {json.dumps(source)}" for number, source in enumerate(sources)]
    head = "apps:\n  desk:\n    owner: lee\n    accounts:\n      attributes:\n"
    company.write("apps/desk.yaml", head + "\n".join(lines) + "\n")
    refused(company, place="apps/desk.yaml:6:")
    told = run_bounded(company, "validate").stderr
    missing = [source for number, source in enumerate(sources) if f"apps/desk.yaml:{number + 6}:" not in told]
    assert missing == []
    assert not (company.folder / "pwned").exists()


EXPRESSIONS = [
    "().__class__.__bases__[0].__subclasses__()",
    "__import__('os').system('touch pwned')",
    "department.__class__ == 1",
    "exec('x')",
    "[x for x in department]",
    "lambda: 1",
    "department matches '(a+)+$'",
    "'a' * 10 ** 10 == department",
    "(" * 5000 + "department" + ")" * 5000,
    " and ".join(["department == 'IT'"] * 5_000),
]


def test_no_expression_gets_out_of_its_sandbox(company: Company) -> None:
    """In the rules of groups; one that is too long or too deep is refused before it is evaluated."""
    lines = [f"  g{number}: {{where: {json.dumps(source)}}}" for number, source in enumerate(EXPRESSIONS)]
    company.write("rules.yaml", "groups:\n" + "\n".join(lines) + "\n")
    refused(company, place="rules.yaml:2:")
    told = run_bounded(company, "validate").stderr
    assert [number for number in range(len(EXPRESSIONS)) if f"rules.yaml:{number + 2}:" not in told] == []
    assert not (company.folder / "pwned").exists()


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ steps.__class__ }}",
        "{% for a in steps %}{% for b in steps %}{% for c in steps %}x{% endfor %}{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{% include 'people.yaml' %}",
        "{{ owner|attr('__class__') }}",
        "{{ lipsum.__globals__ }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_no_ticket_template_gets_out_of_its_sandbox(company: Company, template: str) -> None:
    """It is a file of the repository: its changes fail, and no ticket has what it asked for."""
    company.write("letter.md", template)
    company.replace(
        "apps/wiki.yaml", "figma: {owner: omar}", "figma: {owner: omar, route: [ticket: {template: letter.md}]}"
    )
    done = run_bounded(company, "apply", "--yes", "--app", "figma")
    assert done.returncode == Exit.PARTIAL, done.stdout + done.stderr
    assert "template" in done.stdout
    assert not [path for path in (company.folder / "tickets").glob("*.md") if "class" in path.read_text()]
    assert not (company.folder / "pwned").exists()


def test_a_provider_is_only_what_is_installed(company: Company) -> None:
    """Neither a module, nor a path, nor a command can be named in a route."""
    company.write("evil.py", "open('pwned', 'w')\nclass Provider: ...\n")
    for name in ("evil:Provider", "./evil.py", "evil", "exec", "os:system", "../providers/scim", "python"):
        company.write("apps/evil.yaml", f"apps: {{x: {{owner: lee, route: [{{'{name}': {{command: touch pwned}}}}]}}}}")
        refused(company, place="apps/evil.yaml:", words="no provider is called")
    assert not (company.folder / "pwned").exists()


def console_script() -> list[str]:
    """Return the command as it is installed: unlike `python -m`, it does not put the working directory on the path."""
    script = Path(sysconfig.get_path("scripts")) / "reconciler"
    return [str(script)] if script.exists() else [sys.executable, "-P", "-m", "reconciler.cli.main"]


def test_python_in_the_repository_is_never_imported(company: Company) -> None:
    """A pull request brings modules, packages, entry points and start-up files with the names that Python looks for."""
    evil = "import pathlib\npathlib.Path(__file__ + '.pwned').touch()\n"
    for name in (
        "sitecustomize.py", "usercustomize.py", "httpx.py", "yaml.py", "json.py", "providers/__init__.py",
        "providers/scim/__init__.py", "reconciler/__init__.py", "click.py", "conftest.py", "evil.py",
    ):  # fmt: skip
        company.write(name, evil)
    company.write("evil.pth", "import evil")
    company.write("evil-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    company.write("evil-1.0.dist-info/entry_points.txt", "[reconciler.providers]\nevil = evil:Provider\n")
    company.write(".netrc", "machine 127.0.0.1 login a password b")
    company.write("pyproject.toml", "[tool.reconciler]\nplugins = ['evil']\n")
    for arguments in (*COMMANDS, ["providers"], ["drift"]):
        done = subprocess.run(
            [*console_script(), *arguments],
            cwd=company.folder,
            env={**environment(), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        assert "evil" not in done.stdout
        assert done.returncode in (Exit.DONE, Exit.PARTIAL), done.stderr
    assert list(company.folder.rglob("*.pwned")) == []


@pytest.mark.parametrize("path", ["../outside.csv", "{outside}", "link.csv", "folder/outside.csv"])
def test_an_app_of_files_stays_in_the_repository(company: Company, path: str) -> None:
    """Reading would show a file of the machine in a plan; writing would change it."""
    outside = company.folder.parent / "outside.csv"
    outside.write_text(company.read("wiki.csv"))
    (company.folder / "link.csv").symlink_to(outside)
    (company.folder / "folder").symlink_to(company.folder.parent, target_is_directory=True)
    company.replace("apps/wiki.yaml", "path: wiki.csv", f"path: '{path.format(outside=outside)}'")
    before = outside.read_bytes()
    for arguments in (["plan"], ["apply", "--yes"]):
        done = company.run(*arguments)
        assert done.returncode in (Exit.ERROR, Exit.UNREAD, Exit.PARTIAL), done.stdout
        assert "outside" in done.stdout + done.stderr
        assert "bot@acme.example" not in done.stdout
    assert outside.read_bytes() == before


@pytest.mark.parametrize("directory", ["../elsewhere", "{outside}", "linked", "linked/deeper"])
def test_tickets_stay_in_the_repository(company: Company, directory: str) -> None:
    """A folder that is a link counts as what it points to."""
    outside = company.folder.parent / "elsewhere"
    outside.mkdir()
    (company.folder / "linked").symlink_to(outside, target_is_directory=True)
    name = directory.format(outside=outside)
    company.replace(
        "apps/wiki.yaml", "figma: {owner: omar}", f"figma: {{owner: omar, route: [ticket: {{directory: '{name}'}}]}}"
    )
    done = company.run("apply", "--yes", "--app", "figma")
    assert done.returncode != Exit.DONE
    assert list(outside.rglob("*")) == []


def test_a_name_cannot_lead_a_ticket_elsewhere(company: Company) -> None:
    """Names of entitlements become parts of file names."""
    company.replace("roles.yaml", "license:full", '"license:../../../../pwned"')
    company.replace("apps/wiki.yaml", "figma: {owner: omar}", "figma: {owner: omar, route: [ticket: {batch: 1}]}")
    assert company.run("apply", "--yes", "--app", "figma").returncode == Exit.DONE
    made = list(company.folder.parent.rglob("*pwned*"))
    assert made
    assert {path.parent for path in made} == {company.folder / "tickets"}


def test_a_ticket_that_is_a_link_is_not_followed(company: Company) -> None:
    """A pull request plants a link where a ticket would be: what it points to is neither read nor written."""
    outside = company.folder.parent / "outside.md"
    company.run("apply", "--yes", "--app", "figma")
    ticket = next((company.folder / "tickets").glob("*.md"))
    outside.write_text(ticket.read_text())
    ticket.unlink()
    ticket.symlink_to(outside)
    before = outside.read_bytes()
    company.run("apply", "--yes", "--app", "figma")
    company.replace("roles.yaml", "figma: [license:full]", "wiki: []")
    company.run("apply", "--yes", "--app", "figma")
    assert outside.read_bytes() == before


def test_the_sops_program_is_never_one_of_the_repository(company: Company) -> None:
    """Only a name that is looked up in PATH, which holds no relative folder."""
    program = company.write("sops", "#!/bin/sh\ntouch pwned\n")
    program.chmod(0o755)
    for written in ("./sops", "/usr/bin/sops", "sops/../sops", "sh -c 'touch pwned'", str(program)):
        company.write("reconciler.yaml", f'organization: Acme\nsops: "{written}"\n')
        refused(company, place="reconciler.yaml:")
    assert not (company.folder / "pwned").exists()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_configuration_of_the_repositorys_git_runs_nothing(company: Company) -> None:
    """Hooks, aliases, pagers and filters of a checkout are not used by whatever reads."""
    subprocess.run(["git", "init", "-q"], cwd=company.folder, check=True, env={**os.environ})
    hooks = company.folder / ".git" / "hooks"
    for name in ("pre-commit", "post-checkout", "post-index-change", "fsmonitor-watchman", "post-rewrite"):
        company.write(f".git/hooks/{name}", "#!/bin/sh\ntouch pwned\n").chmod(0o755)
    config = f"[core]\n\tfsmonitor = {hooks}/fsmonitor-watchman\n\tpager = touch pwned\n\thooksPath = {hooks}\n"
    company.write(".git/config", company.read(".git/config") + config)
    for arguments in (*COMMANDS, ["drift"]):
        company.run(*arguments)
    assert not list(company.folder.rglob("pwned"))
