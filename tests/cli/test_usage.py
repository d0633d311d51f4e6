"""How the command is called, and what it says when it is called wrongly."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_company import COMMAND, ROOT, Company, environment
from support.real_command import run_command

from reconciler.cli.exits import MEANINGS
from reconciler.cli.group import COMMANDS
from reconciler.cli.main import run
from reconciler.version import tool_version

HEAVY = {"pydantic", "httpx", "rich", "ruamel", "jinja2", "git", "yaml", "sqlite3", "asyncio", "msgspec"}


def test_help_names_every_command_and_every_exit_code(company: Company) -> None:
    """What there is can be found out without reading anything else."""
    done = company.run("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert all(f"  {code.value}  {meaning}" in done.stdout for code, meaning in MEANINGS.items())


def test_no_arguments_show_the_help(company: Company) -> None:
    """Somebody who only types the name learns how to go on."""
    assert company.run().stdout == company.run("--help").stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_named_after_its_module_and_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has help, with the options that all of them share, and the same line as in the list."""
    assert run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: reconciler {name} ")
    assert COMMANDS[name].help.split()[0] in shown
    assert all(option in shown for option in ("--config", "--json", "--no-color", "--quiet", "--verbose"))


def test_the_version_is_that_of_the_distribution(company: Company) -> None:
    """By the short way and by the long one."""
    assert company.run("--version").stdout == f"reconciler {tool_version()}\n"
    assert company.run("--quiet", "--version").stdout == f"reconciler {tool_version()}\n"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(option: str) -> None:
    """They start as fast as the interpreter allows."""
    code = f"""
import sys
from reconciler.cli.main import run
run([{option!r}])
print(" ".join(sorted({{name.partition(".")[0] for name in sys.modules}})), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["plam"], "no such command: plam; did you mean plan?"),
        (["plan", "--detailed"], "no such option"),
        (["plan", "--apps", "wiki"], "no such option"),
        (["plan", "--at", "tomorrow"], "'tomorrow' is no instant"),
        (["show"], "missing argument"),
        (["who", "wiki/eng"], "names no identity and no entitlement"),
        (["schema", "people"], "is not one of"),
        (["audit", "export", "--format", "csv"], "CSV on stdout has one table"),
        (["apply", "--override", "abc"], "--override and --reason go together"),
    ],
)
def test_wrong_usage_is_told_in_one_line_and_exits_with_1(company: Company, arguments: list[str], told: str) -> None:
    """Never with 2, which means that changes are pending."""
    done = company.run(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_any_repository_it_says_what_is_missing(tmp_path: Path) -> None:
    """With what to do about it."""
    done = subprocess.run(
        [*COMMAND, "plan"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "reconciler.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["plan"], ["drift"], ["apply", "--yes"]])
def test_a_folder_without_apps_is_not_a_company_in_which_all_is_well(tmp_path: Path, command: list[str]) -> None:
    """A nightly run in the wrong place would find no drift for ever."""
    (tmp_path / "reconciler.yaml").write_text("timezone: UTC\n", encoding="utf-8")
    done = run_command(command, tmp_path, environment())
    assert "warning: no app is declared in" in done.stderr
    assert "-C names another folder" in done.stderr


def test_the_configuration_is_found_from_anywhere(company: Company, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By option before or after the command, by environment, as folder or file, and from a folder inside."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    folder, file = str(company.folder), str(company.folder / "reconciler.yaml")
    answers = [
        company.run("--config", folder, "validate", cwd=elsewhere),
        company.run("validate", "-C", file, cwd=elsewhere),
        company.run("validate", cwd=elsewhere, RECONCILER_CONFIG=folder),
        company.run("validate", cwd=company.folder / "apps"),
    ]
    assert {done.returncode for done in answers} == {0}
    assert len({done.stdout for done in answers}) == 1


def test_a_fault_of_the_tool_is_an_apology_without_any_value(company: Company) -> None:
    """The traceback only with --verbose, and without what looks like a secret even then."""
    code = """
import sys
import reconciler.run.session as session
def broken(*arguments, **options):
    token = "hunter2-canary"
    raise LookupError(f"Authorization: Bearer {token}-0123456789abcdef")
session.open_session = broken
from reconciler.cli.main import run
sys.exit(run(sys.argv[1:]))
"""
    short, long = (
        subprocess.run(
            [sys.executable, "-c", code, "validate", *options],
            cwd=company.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        for options in ([], ["--verbose"])
    )
    assert short.returncode == long.returncode == 1
    assert "LookupError" in short.stderr
    assert "session.py" not in short.stderr
    assert "opening.py" in long.stderr
    assert "hunter2" not in short.stderr + long.stderr


def test_the_reference_holds_every_command_and_knows_when_it_is_old() -> None:
    """What the README shows is what the command says."""
    from reconciler.cli.reference import BEGIN, END, insert_reference, is_current  # noqa: PLC0415 - it makes all helps

    old = f"# Readme\n\n{BEGIN}\nold\n{END}\nafter\n"
    new = insert_reference(old)
    assert not is_current(old)
    assert is_current(new)
    assert new.startswith("# Readme")
    assert new.endswith("after\n")
    assert all(f"### `reconciler {name}`" in new for name in COMMANDS)


def test_the_reference_is_printed_by_its_own_module() -> None:
    """One command updates the README."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler.cli.reference"],
        cwd=ROOT,
        env=environment(COLUMNS="40"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("### `reconciler`\n")
    assert "Usage: reconciler state unlock [OPTIONS]" in done.stdout
