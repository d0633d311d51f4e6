"""Text from outside is made harmless before it is shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.escape import columns, pad, shorten, visible, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ana", "ana"),
        ("Zoë 李小龙", "Zoë 李小龙"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31m", r"\x9b31m"),
        ("gnp\u202egpj", r"gnp\u202egpj"),
        ("a\u2066b\u2069", r"a\u2066b\u2069"),
        ("a\u200bb", r"a\u200bb"),
        ("a\u2028b", r"a\u2028b"),
        ("a\u3164b", r"a\u3164b"),
        ("\ufeffa", r"\ufeffa"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_does_not_simply_print_is_written_as_an_escape(text: str, shown: str) -> None:
    """Controls, ANSI, overrides of direction and invisible characters become readable; ordinary names stay."""
    assert visible(text) == shown


@given(st.text())
def test_visible_text_is_always_printable(text: str) -> None:
    """Whatever goes in, nothing comes out that a terminal would obey."""
    shown = visible(text)
    assert shown.isprintable()
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in shown)


@given(st.text(), st.integers(1, 60))
def test_padding_and_shortening_keep_to_columns(text: str, width: int) -> None:
    """A padded text has at least, a shortened one at most so many columns."""
    shown = visible(text)
    assert columns(pad(shown, width)) == max(columns(shown), width)
    assert columns(shorten(shown, width)) <= width


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1), st.integers(10, 60))
def test_wrapping_loses_no_word(words: list[str], width: int) -> None:
    """The lines hold the same words in the same order, and only a longer word makes a longer line."""
    text = " ".join(words)
    lines = wrap(text, width)
    assert " ".join(lines) == text
    assert all(columns(line) <= width or " " not in line for line in lines)
