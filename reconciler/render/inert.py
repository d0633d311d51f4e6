"""Text from outside as Markdown that cannot act: no link, mention, reference, HTML or image comes out of it."""

import re

from reconciler.render.escape import visible

_HARMLESS = re.compile(r"""[^\W_](?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[ ,;:.()'"?!%=+…→·—/-])*""")
_TALKATIVE = re.compile(r"\bGH-\d|www\.|://", re.IGNORECASE)
_ENDS_CODE = re.compile(r"[`|]|<!--|-->|\\$")


def code(text: str, longest: int = 0) -> str:
    """Return a text from outside so that it is shown as it is, in tables too; empty text stays empty.

    It becomes a code span. Where it holds what ends a span, a table's cell or a comment, it becomes a `<code>` in which
    every character but letters, digits and spaces is a reference: GitHub makes no mentions in either.

    Args:
        text: anything.
        longest: how many characters are shown, `…` at the end of what was cut; 0 for all.
    """
    shown = clip(visible(text), longest)
    if not shown:
        return ""
    if _ENDS_CODE.search(shown):
        return code_in_html(shown)
    space = " " if shown[0] == " " or shown[-1] == " " else ""
    return f"`{space}{shown}{space}`"


def code_in_html(text: str, longest: int = 0) -> str:
    """Return a text from outside as `<code>`, for where GitHub reads HTML and no Markdown: a summary."""
    return f"<code>{''.join(map(_reference, clip(visible(text), longest)))}</code>"


def _reference(character: str) -> str:
    return character if character.isalnum() or character == " " else f"&#{ord(character)};"


def sentence(text: str, longest: int = 0) -> str:
    """Return a sentence as it is where nothing in it can act on a page, else as `code`; `longest` as there."""
    shown = clip(visible(text), longest)
    if not shown or (_HARMLESS.fullmatch(shown) and not _TALKATIVE.search(shown)):
        return shown
    return code(shown)


def clip(text: str, longest: int) -> str:
    """Return the first characters of a text, `…` as the last of them if anything was cut; 0 cuts nothing."""
    return text if not longest or len(text) <= longest else f"{text[: longest - 1]}…"
