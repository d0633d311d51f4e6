"""Whatever is in a name stays text: in Markdown, in the head, in the file's name, and in a template."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from ticket.ticket_apps import NOW, list_tickets, make, open_one, open_tickets

from providers.ticket.body import escape, write_body
from providers.ticket.header import edit_header, read_header, write_header
from providers.ticket.record import file_name, record_of
from providers.ticket.via.directory import DirectoryConfig
from reconciler.errors import ExpressionError, ProviderError
from reconciler.provider.change import Operation, Why
from reconciler.provider.contract import Surroundings

pytestmark = pytest.mark.evidence("ticket", against="real product", of="Markdown files on disk")

NASTY = "../../x\n---\nstatus: done\n# <script>`{{ 7*7 }}` [a](javascript:b) \x1b[31m *b* ::error::x"
HERE = Surroundings(app="badges", root=Path(), read_only=False, now=NOW, owner=NASTY, people={"ana": (NASTY, NASTY)})

texts = st.text(max_size=30)


def test_a_nasty_name_is_only_a_name(tmp_path: Path) -> None:
    """It closes no head, leaves no folder, makes no markup and colours no terminal."""
    change = replace(make(Operation.GRANT, NASTY.replace(":", ""), f"door:{NASTY}"), why=(Why(NASTY),))
    file = open_one(tmp_path, change)
    assert file.parent == tmp_path / "tickets"
    text = file.read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert [ticket.status.value for ticket in list_tickets(tmp_path)] == ["open"]
    body = text.split("\n---\n", 1)[1]
    html = MarkdownIt("commonmark").render(body)
    assert "<script" not in html
    assert "href=" not in html
    assert "<em>" not in html
    assert html.count("<h1>") == 1
    assert "7*7" in html


@given(texts)
def test_an_escaped_text_renders_as_itself(text: str) -> None:
    """A reader sees the characters that were there, in one line."""
    html = MarkdownIt("commonmark").render(f"- **x:** {escape(text)}\n").replace("@<!-- -->", "@")
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    expected = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert html.startswith(f"<ul>\n<li><strong>x:</strong> {expected}".rstrip())


@given(st.dictionaries(st.sampled_from(["key", "holder", "entitlement", "evidence", "owner"]), texts), st.data())
def test_a_head_is_read_as_it_was_written(fields: dict[str, str], data: st.DataObject) -> None:
    """By us, and by YAML; and after an edit of one field, all others are as before."""
    head = write_header({"wanted": {"level": data.draw(texts)}, **fields})
    found, body = read_header(head + "body")
    assert ({name: value for name, value in found.items() if name != "wanted"}, body) == (fields, "body")
    loaded = yaml.safe_load(head.removeprefix("---\n").removesuffix("---\n"))
    assert {name: value or "" for name, value in loaded.items() if name != "wanted"} == fields
    value = data.draw(texts)
    edited, _ = read_header(edit_header(head, {"evidence": value}))
    assert edited == {**found, "evidence": value}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("status: done", "done"),
        ("status: done  # finally", "done"),
        ("status:   NO", "NO"),
        ("status: 'it''s'", "it's"),
        ('status: "a # b" # c', "a # b"),
        ("status:", ""),
        ("status: # nothing", ""),
        ("status : done", "done"),
    ],
)
def test_what_people_write_is_read_as_they_mean_it(line: str, value: str) -> None:
    """Plain, quoted, with a remark."""
    assert read_header(f"---\n{line}\n---\n")[0] == {"status": value}


@given(texts, texts)
def test_file_names_are_plain(holder: str, name: str) -> None:
    """Letters, digits, `_`, `-`, a key and an ending; short enough everywhere."""
    change = make(Operation.GRANT, holder or "x", f"kind:{name}")
    found = file_name(record_of(change, 1, owner="lee", opened=NOW, due=NOW))
    assert found.removesuffix(".md").replace("-", "").replace("_", "").isalnum()
    assert found.isascii()
    assert len(found) < 200


def test_a_template_of_ones_own_fills_the_body(tmp_path: Path) -> None:
    """It sees escaped texts only."""
    (tmp_path / "ticket.j2").write_text(
        "Dear {{ owner }}: {% for step in steps %}{{ loop.index }}) {{ step }} {% endfor %}"
    )
    config = DirectoryConfig(template="ticket.j2")
    provider = open_tickets(tmp_path, config=config)
    change = make(Operation.GRANT, "ana", "door:*lab*")
    text = write_body([change], HERE, NOW, provider._desk.template())
    assert text.startswith("Dear ../../x --- status")
    assert "**\\*lab\\***" in text


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(10 ** 9) %}x{% endfor %}",
        "{{ who * 1000000000 }}",
        "{{ ''.__class__.__mro__ }}",
        "{% for a in steps %}{% for b in steps %}{% for c in steps %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% set x = steps %}{{ x }}",
        "{% include '/etc/passwd' %}",
        "{{ who.format(who) }}",
        "{{ steps|map('upper')|list }}",
        "{{ nobody }}",
        "{% if %}",
    ],
)
def test_a_template_that_does_more_is_refused(template: str) -> None:
    """No calls, no arithmetic, no way out of the sandbox, no loop that does not end."""
    with pytest.raises(ExpressionError, match="the ticket's template cannot be filled in"):
        write_body([make(Operation.GRANT, "ana", "door:lab")], HERE, NOW, template)


def test_a_template_that_is_missing_is_told_when_the_provider_opens(tmp_path: Path) -> None:
    """Not when the first ticket is needed."""
    with pytest.raises(ProviderError, match=r"ticket\.j2 cannot be read"):
        open_tickets(tmp_path, config=DirectoryConfig(template="ticket.j2"))
