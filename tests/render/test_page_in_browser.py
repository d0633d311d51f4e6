"""A plan's page in a real browser: on a phone, by keyboard, with hostile names, and without a word to the network."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from big_plans import big_plan
from sample_plans import every_row_plan, hostile_plan
from test_comment import compared_plan

from reconciler.items import GrantItem
from reconciler.plan.plan import AppPlan, Plan
from reconciler.provider.change import Change, Operation
from reconciler.render.page import render_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")

ROWS = ".app .change:visible"
WIDE, PHONE = 1280, 375


class Visit:
    """An open page, and what it said and asked for."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.console: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def shown(self) -> int:
        """Return how many changes of apps are to be seen; folded ones are not."""
        return self.page.locator(ROWS).count()

    def settle(self, text: str) -> None:
        """Wait until the count of changes says this."""
        self.page.wait_for_function("text => document.getElementById('count').textContent === text", arg=text)


@contextmanager
def visit(browser: "Browser", folder: Path, plan: Plan, width: int = WIDE, **options: Any) -> Iterator[Visit]:
    """Open the page of a plan from a file."""
    file = folder / "plan.html"
    file.write_text(render_page(plan), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)
    try:
        seen = Visit(context.new_page())
        seen.page.goto(file.as_uri())
        yield seen
        assert seen.requests == [file.as_uri()], "nothing but the page itself is asked for"
        assert seen.console == []
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "plan", [every_row_plan(), hostile_plan(), compared_plan()], ids=["rows", "hostile", "compared"]
)
def test_nothing_is_wider_than_a_phone(browser: "Browser", tmp_path: Path, plan: Plan, scheme: str) -> None:
    """No scrolling sideways at 375 pixels, with everything unfolded."""
    with visit(browser, tmp_path, plan, PHONE, color_scheme=scheme) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE


def test_the_search_works_by_keyboard(browser: "Browser", tmp_path: Path) -> None:
    """A slash leads to it, what is typed filters, Escape shows everything again."""
    with visit(browser, tmp_path, compared_plan()) as seen:
        seen.page.keyboard.press("/")
        seen.page.keyboard.type("license")
        seen.settle("1 of 4 changes")
        assert seen.shown() == 1
        seen.page.keyboard.press("Escape")
        seen.settle("4 changes")
        assert seen.shown() == 4


def test_the_filters_work_by_keyboard(browser: "Browser", tmp_path: Path) -> None:
    """Tab leads from one to the next: app, operation, cause, person, privileged."""
    with visit(browser, tmp_path, every_row_plan()) as seen:
        seen.page.keyboard.press("/")
        for typed in ("jira", "revoke", "leaver"):
            seen.page.keyboard.press("Tab")
            seen.page.keyboard.type(typed)
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.type("LEA")
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.press("Space")
        seen.settle("1 of 17 changes")
        assert "role:admin" in seen.page.locator(ROWS).inner_text()


def test_a_match_in_folded_drift_is_unfolded(browser: "Browser", tmp_path: Path) -> None:
    """What a search finds is seen, and folded again afterwards."""
    with visit(browser, tmp_path, every_row_plan()) as seen:
        seen.page.fill("#search", "web shop")
        seen.settle("1 of 17 changes")
        assert seen.shown() == 1
        seen.page.keyboard.press("Escape")
        seen.settle("17 changes")
        assert seen.page.locator("main details[open]").count() == 0


def test_the_focus_is_visible_and_begins_at_the_way_past_the_head(browser: "Browser", tmp_path: Path) -> None:
    """The first stop leads to the changes; each stop has an outline."""
    with visit(browser, tmp_path, every_row_plan()) as seen:
        for expected in ("Skip to the changes", ""):
            seen.page.keyboard.press("Tab")
            text, outline = seen.page.evaluate(
                "[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]"
            )
            assert text == expected
            assert outline == "solid"


def test_everything_is_there_without_javascript(browser: "Browser", tmp_path: Path) -> None:
    """No filters that would do nothing, and every change that is not folded."""
    with visit(browser, tmp_path, every_row_plan(), java_script_enabled=False) as seen:
        assert not seen.page.locator("#filters").is_visible()
        assert seen.page.locator(".app .change").count() == 17
        assert seen.shown() == 16


@pytest.mark.parametrize(
    "name",
    [
        "<script>document.title='owned'</script>",
        '"><img src=x onerror="document.title=\'owned\'">',
        "</style><script>document.title='owned'</script>",
        "'-document.title=1-'",
    ],
)
def test_a_name_never_runs(browser: "Browser", tmp_path: Path, name: str) -> None:
    """It is shown as it is written."""
    change = Change(name, Operation.GRANT, GrantItem(name, name), name)
    plan = replace(every_row_plan(), apps=(AppPlan(name, changes=(change,), error=name),), warnings=(name,))
    with visit(browser, tmp_path, plan) as seen:
        assert seen.page.title() == "Plan: 1 to add"
        assert name in seen.page.locator(".change .who").inner_text()


def test_even_an_injected_script_would_be_stopped(browser: "Browser", tmp_path: Path) -> None:
    """The policy names the page's own script by its hash and no other."""
    file = tmp_path / "plan.html"
    page = render_page(every_row_plan())
    file.write_text(page.replace("</footer>", "</footer><script>document.title='owned'</script>"), encoding="utf-8")
    opened = browser.new_page()
    opened.goto(file.as_uri())
    assert opened.title().startswith("Plan: ")
    assert opened.locator("#filters").is_visible()
    opened.close()


def test_ten_thousand_changes_stay_usable(browser: "Browser", tmp_path: Path) -> None:
    """A search over them answers within a second or so, on a loaded machine too."""
    with visit(browser, tmp_path, big_plan(10_000, 100, privileged=20)) as seen:
        began = time.perf_counter()
        seen.page.fill("#search", "person-07777")
        seen.settle("1 of 10,000 changes")
        assert time.perf_counter() - began < 3
