"""A plan as the comment on a pull request: within the limits, with what matters kept."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from big_plans import big_plan
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_plans import DIGEST, HOSTILE, design_plan, every_row_plan, hostile_plan
from syrupy.assertion import SnapshotAssertion

from reconciler.items import GrantItem
from reconciler.plan.plan import AppPlan, Comparison, Fact, Finding, Plan, Provenance, Verdict
from reconciler.problems import Place
from reconciler.provider.change import Change, Operation
from reconciler.render.comment import COMMENT_LIMIT, SUMMARY_LIMIT, marker_line, render_comment, render_summary

MARKER = "reconciler plan"


def sizes(text: str) -> set[bool]:
    """Return whether a text is within a comment's limit in characters, UTF-16 units and UTF-8 bytes."""
    lengths = (len(text), len(text.encode("utf-16-le")) // 2, len(text.encode()))
    return {length <= COMMENT_LIMIT for length in lengths}


def is_balanced(text: str) -> bool:
    """Say whether every element that is opened is closed, in order; what stands in a code span is no element."""
    text = re.sub(r"`[^`\n]*`", "", text)
    opened: list[str] = []
    for slash, name in re.findall(r"<(/?)(details|summary|sub|code)>", text):
        if not slash:
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return not opened


def compared_plan() -> Plan:
    """Return the plan of a pull request: drift from before, something already true, a licence's price, commits."""
    plan = design_plan()
    slack, github = plan.apps
    already = Finding(
        Fact.ALREADY, GrantItem("omar", "channel:eng"), "asked for, and already so", Place("roles.yaml", 4)
    )
    slack = replace(slack, prices={"license:pro": "12.50 EUR/month"}, findings=(already,))
    when = datetime(2026, 3, 1, 8, tzinfo=UTC)
    origins = (
        (Place("people.yaml", 3), Provenance("3f2c1a9" + "0" * 33, "Ana <ana@acme.example>", when, "12")),
        (Place("roles.yaml", 4), Provenance("77aa00b" + "0" * 33, "@everyone", when)),
    )
    before = replace(github, changes=github.changes[1:])
    github = replace(github, changes=github.changes[:1])
    compared = Comparison(base="1" * 40, head="2" * 40, before=(before,))
    return replace(plan, apps=(slack, github), comparison=compared, provenance=origins)


def test_a_comment_reads_as_it_did(snapshot: SnapshotAssertion) -> None:
    """Marker, headline, cost and time, a table an app, tickets, what was there before, commits, digest."""
    assert render_comment(compared_plan(), marker=MARKER) == snapshot


def test_a_cut_comment_reads_as_it_did(snapshot: SnapshotAssertion) -> None:
    """What was left out is counted at the top and where it is missing."""
    plan = big_plan(400, 3, privileged=2, leavers=3)
    address = "https://github.example/acme/it/actions/runs/1?pr=2"
    assert render_comment(plan, marker=MARKER, limit=8_192, details=address) == snapshot


def test_ten_thousand_changes_fit_with_everything_important() -> None:
    """Privileged access, leavers, counts and digest are there; the rest is counted; it takes at most a second."""
    plan = big_plan(10_000, 100, privileged=50, leavers=150)
    began = time.perf_counter()
    page = render_comment(plan, marker=MARKER)
    assert time.perf_counter() - began < 3, "three times what it may take, for a loaded machine"
    assert sizes(page) == {True}
    assert all(f"person-{at:05}" in page for at in range(9_850, 10_000))
    assert all(f"`app-{at:03}`" in page for at in range(100))
    assert DIGEST in page
    assert "Left out: " in page
    assert "do not approve" not in page


def test_what_is_cut_and_what_is_shown_add_up() -> None:
    """No change is missing without being counted."""
    page = render_comment(big_plan(3_000), marker=MARKER)
    cut = sum(int(count.replace(",", "")) for count in re.findall(r"([\d,]+) changes?\b(?! of [^d])", _left_out(page)))
    assert cut + len(re.findall(r"`person-\d{5}`", page)) == 3_000


def _left_out(page: str) -> str:
    return next(line for line in page.splitlines() if "Left out: " in line)


def test_more_privileged_access_than_fits_is_said_loudly() -> None:
    """A reviewer is told not to rely on the page."""
    page = render_comment(big_plan(5_000, privileged=5_000), marker=MARKER)
    assert sizes(page) == {True}
    assert re.search(r"Left out: [\d,]+ privileged changes", page)
    assert "do not approve by this page alone" in page


def test_the_summary_has_more_than_the_comment_and_stays_within_its_own_limit() -> None:
    """One MiB, with nothing lost that a comment has."""
    plan = big_plan(20_000)
    page = render_summary(plan)
    assert COMMENT_LIMIT < len(page.encode()) <= SUMMARY_LIMIT


@pytest.mark.parametrize("marker", ["", "a-->", "--", "x --", "a\nb", "<!--", "é", "a--b", " a"])
def test_a_marker_that_could_end_its_comment_is_an_error(marker: str) -> None:
    """It is no text from outside, and must stay one hidden line."""
    with pytest.raises(ValueError, match="marker"):
        marker_line(marker)


def test_a_limit_that_is_too_small_is_an_error() -> None:
    """Not even the headline would be sure to fit."""
    with pytest.raises(ValueError, match="8192"):
        render_comment(design_plan(), marker=MARKER, limit=100)


def test_nobody_writes_a_marker_into_a_comment() -> None:
    """A name cannot make a comment look like another one's."""
    name = f"{marker_line('other')} {HOSTILE}"
    change = Change("slack", Operation.GRANT, GrantItem(name, name), name, blocked=name)
    plan = replace(hostile_plan(), apps=(AppPlan("slack", changes=(change,), error=name), *hostile_plan().apps))
    page = render_comment(plan, marker=MARKER)
    assert page.startswith(marker_line(MARKER))
    assert page.count("<!--") == page.count("-->") == 1


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://x.example/a) [b](c", "x", "https://x.example/\n## y"]
)
def test_only_a_plain_address_becomes_a_link(address: str) -> None:
    """Anything else is left out."""
    page = render_comment(big_plan(3_000), marker=MARKER, details=address)
    assert address not in page
    assert "](" not in page


def test_licences_are_summed_by_currency_and_removed_ones_subtracted() -> None:
    """A ticket counts; what is blocked does not."""
    changes = [
        Change("slack", Operation.GRANT, GrantItem("a", "license:pro"), "ticket"),
        Change("slack", Operation.GRANT, GrantItem("b", "license:pro"), "scim"),
        Change("slack", Operation.REVOKE, GrantItem("c", "license:pro"), "scim"),
        Change("slack", Operation.REVOKE, GrantItem("d", "license:us"), "scim"),
        Change("slack", Operation.GRANT, GrantItem("e", "license:us"), "scim", blocked="no"),
    ]
    prices = {"license:pro": "12.50 EUR/month", "license:us": "1000 USD/year"}
    plan = replace(design_plan(), apps=(AppPlan("slack", changes=tuple(changes), prices=prices),))
    page = render_comment(plan, marker=MARKER)
    assert "cost: +12.50 EUR/month, -1,000.00 USD/year (2 licenses more, 2 licenses less)" in page


TEXTS = st.text(max_size=400) | st.sampled_from([HOSTILE, "<!-- x -->", "</details>", "</code>", "`", "|", "🦊" * 300])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700), st.integers(1, 60), st.integers(0, 30), st.integers(0, 30), TEXTS, st.integers(0, 300))
def test_any_plan_fits_with_its_privileged_access_named_and_its_tags_balanced(  # noqa: PLR0917 - hypothesis gives them in order
    changes: int, apps: int, privileged: int, leavers: int, text: str, verdicts: int
) -> None:
    """Whatever is in it."""
    plan = big_plan(changes, apps, privileged=privileged, leavers=leavers, name="ana")
    guards = tuple(Verdict(text, text, refused=at % 2 == 0, text=text) for at in range(verdicts))
    plan = replace(plan, verdicts=guards, warnings=(text,) * 50, apps=(*plan.apps, *every_row_plan().apps))
    page = render_comment(plan, marker=MARKER)
    assert sizes(page) == {True}
    assert is_balanced(page)
    named = [change.holder for change in plan.changes() if change.privileged]
    if "do not approve" not in page:
        assert all(holder in page for holder in named)
    assert len(text) > 100 or verdicts > 100 or "do not approve" not in page
