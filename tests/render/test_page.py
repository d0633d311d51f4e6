"""A plan as a page, without a browser."""

import re
from html.parser import HTMLParser

import pytest
from big_plans import big_plan
from sample_plans import DIGEST, empty_plan, every_row_plan, future_plan, hostile_plan
from syrupy.assertion import SnapshotAssertion
from test_comment import compared_plan

from reconciler.render.page import render_page

VOID = {"meta", "link", "br", "input"}


class Outline(HTMLParser):
    """Collects the elements and attributes of a page, and checks that they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element."""
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the last one that was opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Take what a reader sees."""
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


def outline(page: str) -> Outline:
    """Parse a page."""
    found = Outline()
    found.feed(page)
    found.close()
    assert not found.open
    return found


def body_text(page: str) -> str:
    """Return what a reader sees, with one space between words."""
    return " ".join(" ".join(outline(page).text).split())


def test_a_page_says_what_the_plan_says(snapshot: SnapshotAssertion) -> None:
    """Headline, cost, changes with their reasons and commits, tickets, what was there before, digest."""
    assert body_text(render_page(compared_plan())) == snapshot


@pytest.mark.parametrize("make", [empty_plan, every_row_plan, future_plan, hostile_plan])
def test_a_page_loads_nothing_and_runs_nothing_inline(make: object) -> None:
    """No address, no handler, no style attribute; the elements are closed in order."""
    assert callable(make)
    for tag, attributes in outline(render_page(make())).seen:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "action")]
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))
        assert tag not in ("img", "iframe", "object", "base")


def test_the_policy_allows_only_what_the_package_wrote() -> None:
    """Default none, and a hash each for the style and the script."""
    policies = [found["content"] for tag, found in outline(render_page(hostile_plan())).seen if "http-equiv" in found]
    assert len(policies) == 1
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; img-src data:; "
        r"base-uri 'none'; form-action 'none'",
        policies[0] or "",
    )


def test_every_change_is_a_row_and_the_whole_digest_is_shown() -> None:
    """Nothing is left out, however long the plan is."""
    page = render_page(big_plan(2_000, privileged=3))
    assert page.count('<tr class="change"') == 2_000 + 3
    assert DIGEST in page
