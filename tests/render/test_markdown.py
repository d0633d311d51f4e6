"""A plan on a pull request's page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from sample_plans import design_plan, empty_plan, every_row_plan, future_plan, hostile_plan
from syrupy.assertion import SnapshotAssertion

from reconciler.render.inert import code, sentence
from reconciler.render.markdown import render_markdown

PLANS = {"design": design_plan, "every_row": every_row_plan, "empty": empty_plan, "future": future_plan}
TAG = re.compile(r"<[^>]*>?")
OURS = {f"<{slash}{name}>" for slash in ("", "/") for name in ("details", "summary", "sub", "code")} | {"<br>"}
ATTACKS = ["@everyone", "<img", "[x](", "https://evil.example", "`", "|", "\n## x", "#12", "acme/web@1a2b3c4", "*x*"]


def inline_tokens(markdown: str) -> list[Token]:
    """Parse Markdown with tables and HTML, as a page does, and return its inline tokens."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    return [token for block in parser.parse(markdown) for token in block.children or [block]]


def plain_text(markdown: str) -> str:
    """Return the text in which a page makes mentions, references and links: all that is in no code."""
    text: list[str] = []
    depth = 0
    for token in inline_tokens(markdown):
        if token.type == "html_inline":
            depth += (token.content == "<code>") - (token.content == "</code>")
        elif token.type.startswith("text") and not depth:
            text.append(token.content)
    return "\n".join(text)


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_reads_as_it_did(name: str, snapshot: SnapshotAssertion) -> None:
    """Headline, privileged first, a table an app, drift folded, guards, tickets, digest."""
    assert render_markdown(PLANS[name]()) == snapshot


def test_privileged_access_comes_before_everything_else() -> None:
    """A reviewer sees it without opening anything."""
    page = render_markdown(every_row_plan())
    assert page.index("### Privileged access") < page.index("### `jira`")


def test_drift_is_folded_unless_it_is_privileged_or_blocked() -> None:
    """What the pull request did not cause does not drown what it did."""
    page = render_markdown(design_plan())
    folded = page[page.index("<details>") : page.index("</details>")]
    assert "repo:web admin → write" in folded
    assert "repo:web" not in page.replace(folded, "")


def test_nothing_from_outside_acts_on_the_page() -> None:
    """No HTML but ours, no link, no image, no mention, no address."""
    page = render_markdown(hostile_plan())
    tokens = inline_tokens(page)
    html = " ".join(token.content for token in tokens if token.type in ("html_inline", "html_block"))
    assert set(TAG.findall(html)) <= OURS
    assert not [token for token in tokens if token.type in ("link_open", "image")]
    outside = plain_text(page)
    assert "@" not in outside
    assert "evil.example" not in outside


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    """A name with a pipe cannot shift what a reviewer reads."""
    cells: list[int] = []
    for token in MarkdownIt("commonmark").enable("table").parse(render_markdown(hostile_plan())):
        if token.type == "tr_open":
            cells.append(0)
        elif token.type in ("td_open", "th_open"):
            cells[-1] += 1
    assert set(cells) == {4, 6}


@given(st.lists(st.sampled_from([*ATTACKS, "a", " ", "\\", "_", "~", "!"]), min_size=1).map("".join))
def test_a_name_in_code_shows_exactly_itself(name: str) -> None:
    """Whatever it is made of, a page shows it as text, whole, in code."""
    tokens = inline_tokens(f"| head |\n|---|\n| {code(name)} |")
    shown = "".join(token.content for token in tokens if token.type in ("text", "code_inline", "text_special"))
    assert shown.removeprefix("head").strip() == name.replace("\n", "\\n").strip()


@given(st.lists(st.sampled_from([*ATTACKS, "a", " ", "role", "-", "_", ".", "www.", "GH-1"]), min_size=1).map("".join))
def test_a_sentence_stays_plain_only_if_it_is_harmless(text: str) -> None:
    """No mention, link, reference, emphasis or HTML comes out of a sentence."""
    outside = plain_text(f"x {sentence(text)} y")
    assert not re.search(r"[@#<>*\[\]|`]|://|www\.|GH-\d", outside)
