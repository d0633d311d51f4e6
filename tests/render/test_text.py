"""How a plan reads in a terminal."""

import re
import time
from dataclasses import replace

import pytest
from sample_plans import HOSTILE, design_plan, empty_plan, every_row_plan, future_plan, hostile_plan
from syrupy.assertion import SnapshotAssertion

from reconciler.items import GrantItem
from reconciler.plan.plan import Plan
from reconciler.problems import Place
from reconciler.provider.change import Change, Operation, Why
from reconciler.render.escape import columns
from reconciler.render.text import render_text

PLANS = {
    "design": design_plan,
    "every_row": every_row_plan,
    "empty": empty_plan,
    "future": future_plan,
}
ANSI = re.compile("\x1b\\[[0-9;]*m")


def rendered(plan: Plan, width: int, *, colour: bool = False, verbose: bool = False) -> str:
    """Return a plan's whole text."""
    return "\n".join(render_text(plan, width=width, colour=colour, verbose=verbose))


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "coloured"])
@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", PLANS)
def test_a_plan_reads_as_it_did(name: str, width: int, colour: bool, snapshot: SnapshotAssertion) -> None:
    """Every kind of row, at the widths that people have."""
    assert rendered(PLANS[name](), width, colour=colour) == snapshot


def test_verbose_tells_every_reason_and_every_stranger(snapshot: SnapshotAssertion) -> None:
    """Nothing is folded, and quiet apps are listed."""
    text = rendered(every_row_plan(), 0, verbose=True)
    assert "@bot-22" in text
    assert "IT-412" in text
    assert "figma (ticket)" in text
    assert text == snapshot


@pytest.mark.parametrize("name", PLANS)
def test_colours_change_nothing_but_colours(name: str) -> None:
    """Without its codes, the coloured text is the plain one."""
    plan = PLANS[name]()
    assert ANSI.sub("", rendered(plan, 100, colour=True)) == rendered(plan, 100)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_rows_of_ordinary_names_fit_the_terminal(width: int) -> None:
    """No line is wider than the terminal, as long as no single name or value is."""
    plan = design_plan()
    assert max(columns(line) for line in rendered(plan, width).split("\n")) <= width


def test_a_name_is_never_cut_however_narrow_it_gets() -> None:
    """What a row is about stays whole; only reasons move to other lines."""
    name = "team:" + "platform-" * 20
    change = Change("github", Operation.GRANT, GrantItem("ana", name), "github", why=(Why("role engineer"),))
    plan = replace(design_plan(), apps=(replace(design_plan().apps[1], changes=(change,)),))
    assert name in rendered(plan, 40)
    assert "role engineer" in rendered(plan, 40)


def test_without_a_limit_each_row_is_one_line() -> None:
    """Pipes and files can be searched by line."""
    lines = rendered(design_plan(), 0).split("\n")
    assert sum("channel:eng" in line and "role engineer" in line and "roles.yaml:4" in line for line in lines) == 1


def test_wide_characters_keep_the_columns_aligned() -> None:
    """Chinese characters take two columns, combining accents none."""
    lines = rendered(every_row_plan(), 200).split("\n")
    chinese = next(line for line in lines if "李小龙" in line)
    accented = next(line for line in lines if "jose\u0301" in line)
    assert columns(chinese.partition("角色")[0]) == columns(accented.partition("role x")[0])


def test_an_empty_plan_is_one_clear_line() -> None:
    """Nothing to do is said with the numbers that it was said of."""
    first, *rest = rendered(empty_plan(), 80).split("\n")
    assert first == "nothing to do: 42 accounts and 313 grants are as declared"
    assert rest == ["12 requests to 1 app · digest 3f2c1a9be07d"]


def test_a_plan_that_could_not_be_read_never_says_nothing_to_do() -> None:
    """An unread app is no proof that all is well."""
    plan = empty_plan()
    unread = replace(plan, apps=(*plan.apps, replace(plan.apps[0], app="jira", error="no answer")))
    text = rendered(unread, 80)
    assert "nothing to do" not in text
    assert "1 app not read completely" in text


@pytest.mark.parametrize("width", [40, 80, 0])
def test_text_from_outside_cannot_steer_the_terminal(width: int) -> None:
    """No control character, escape, line break or override of direction is left from any name, value or message."""
    text = rendered(hostile_plan(), width)
    assert not [character for character in text if not character.isprintable() and character != "\n"]
    assert "\\x1b[2J" in text
    assert "\\u202e" in text


def test_a_line_break_in_a_name_makes_no_new_line() -> None:
    """A name cannot pretend to be a line of the plan."""
    assert "\n" in HOSTILE
    assert not [line for line in rendered(hostile_plan(), 0).split("\n") if line.startswith("## ")]


def test_ten_thousand_rows_take_well_under_a_second() -> None:
    """Rows are plain strings; showing them never costs more than making them."""
    reasons = (Why("role engineer, because group engineering", Place("roles.yaml", 4)),)
    changes = tuple(
        Change("slack", Operation.GRANT, GrantItem(f"p{n}", f"team:{n % 99}"), "scim", why=reasons)
        for n in range(10_000)
    )
    app = replace(design_plan().apps[0], changes=changes)
    began = time.process_time()
    lines = sum(1 for _ in render_text(replace(design_plan(), apps=(app,)), width=120, colour=True))
    assert lines > 10_000
    assert time.process_time() - began < 1.0
