"""What each provider's page shows first is copied by people: it must be right as it stands."""

import re
from pathlib import Path

import pytest
from cli.cli_company import Company

from reconciler.cli.exits import Exit

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "providers").glob("*/README.md"))
PEOPLE = """\
people:
  kim: {name: Kim Tan, email: kim@acme.example, title: Lead, department: Engineering}
  lee: {name: Lee Wong, email: lee@acme.example, title: Admin, department: IT}
  omar: {name: Omar Haddad, email: omar@acme.example, title: CTO, department: Engineering}
  vera: {name: Vera Lind, email: vera@acme.example, title: Writer, department: IT}
groups:
  analysts: {people: [vera]}
  engineering: {where: {department: Engineering}}
"""


def shown(page: Path) -> str:
    """Return the first YAML of a page that is a whole app, or empty."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return next((block for block in blocks if block.startswith("apps:")), "")


def test_the_pages_of_nearly_all_providers_show_an_app() -> None:
    """SCIM's and the ticket's show a route."""
    assert [page.parent.name for page in PAGES if not shown(page)] == ["scim", "ticket"]


@pytest.mark.parametrize("page", [page for page in PAGES if shown(page)], ids=lambda page: page.parent.name)
def test_what_a_page_shows_is_valid(tmp_path: Path, page: Path) -> None:
    """Nothing is misspelt, missing or made up."""
    company = Company(tmp_path)
    for name in ("roles.yaml", "apps/wiki.yaml"):
        (tmp_path / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("apps/shown.yaml", shown(page))
    ended = company.run("validate")
    assert ended.returncode == Exit.DONE, ended.stdout + ended.stderr
