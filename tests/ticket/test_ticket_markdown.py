"""A ticket's Markdown for trackers that show something else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ticket.jira_site import invalid

from providers.ticket.body import escape
from providers.ticket.config import TRACKERS, TicketConfig
from providers.ticket.markdown import write_document, write_html, write_text

BODY = """# badges: give x

> Only if you **expect** it.

1. Sign in.
2. Find `ana`:
   - here
   - [there](https://acme.example/a)

```yaml
status: done
```
"""


def test_plain_text_keeps_what_a_person_needs() -> None:
    """Numbers, quotes, code and the addresses of links."""
    expected = [
        "badges: give x",
        "> Only if you expect it.",
        "1. Sign in.\n2. Find ana:\n   - here\n   - there (https://acme.example/a)",
        "    status: done",
    ]
    assert write_text(BODY) == "\n\n".join(expected) + "\n"


def test_html_has_no_scripts_and_no_pictures() -> None:
    """A template that holds them loses them; nothing is fetched when a mail is opened."""
    html = write_html(BODY + "\n<script>x()</script>\n\na <b onclick=x>b</b> ![c](https://evil.example/c.png)\n")
    assert "<li>Sign in.</li>" in html
    for part in ("<script", "onclick", "<img"):
        assert part not in html


def test_links_that_are_none_are_text_in_a_document() -> None:
    """Only the web and mail can be followed."""
    document = write_document("[a](javascript:x) [b](file:///etc) [c](https://acme.example)")
    assert str(document).count("'link'") == 1


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_filled_in_stays_text(value: str, other: str) -> None:
    """Every document is valid, and shows the value as it is, but for blanks."""
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())
    document = write_document(
        f"# {escape(other)}\n\n- **Who:** {escape(value)}\n\n1. {escape(other)} {escape(value)}\n"
    )
    assert invalid(document) == ""
    items = [block for block in document["content"] if block["type"] == "bulletList"]
    (item,) = items[0]["content"]
    texts = [part["text"] for part in item["content"][0]["content"]]
    assert "".join(texts).strip() == f"Who: {shown}".strip()


def test_the_schema_names_every_way_and_whose_option_is_whose() -> None:
    """Options that several trackers share are described by each of them."""
    options = TicketConfig.model_json_schema()["properties"]
    assert options["via"]["enum"] == list(TRACKERS)
    for via in ("github", "jira", "roundup", "servicenow"):
        assert f"via {via}:" in options["url"]["description"]
    assert "default" not in options["url"]
