"""A ticket's Markdown as what other trackers show: Atlassian's document format, plain text, HTML.

Markdown is read as CommonMark says, so that what was escaped in it is text here too; raw HTML is left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

Node = dict[str, Any]
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_LISTS: Final = {"bullet_list": "bulletList", "ordered_list": "orderedList"}
_MARKS: Final = {"strong": "strong", "em": "em"}
_INLINE: Final = frozenset({"a", "b", "i", "em", "strong", "code", "span", "font", "u", "wbr", "tt"})
_CODE: Final = frozenset({"fence", "code_block"})


def write_document(markdown: str, *more: Node) -> Node:
    """Return Markdown as a document of Atlassian's format, with more blocks at its end.

    Source: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/.
    """
    content = [*_blocks(_parse(markdown).children, nested=False), *more]
    return {"type": "doc", "version": 1, "content": content}


def code_block(text: str) -> Node:
    """Return a block of Atlassian's format that shows a text as it is."""
    return {"type": "codeBlock", "content": [{"type": "text", "text": text}]}


def read_code(document: object) -> str:
    """Return what the code blocks of a document of Atlassian's format hold, one below the other."""
    return "\n".join(_code_in(document))


def _code_in(node: object) -> Iterator[str]:
    if not isinstance(node, dict) or not isinstance(node.get("content"), list):
        return
    if node.get("type") == "codeBlock":
        yield "".join(str(part.get("text", "")) for part in node["content"] if isinstance(part, dict))
        return
    for part in node["content"]:
        yield from _code_in(part)


def write_text(markdown: str) -> str:
    """Return Markdown as plain text: lists keep their numbers, links their addresses, emphasis is gone."""
    return "\n\n".join(_texts(_parse(markdown).children)) + "\n"


def write_html(markdown: str) -> str:
    """Return Markdown as HTML without scripts, pictures or comments."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only who opens a ticket pays for it

    reader = MarkdownIt("commonmark", {"html": True}).disable("image")
    for rule in ("html_inline", "html_block"):
        reader.add_render_rule(rule, _leave_out)
    return str(reader.render(markdown))


def read_html(text: str) -> str:
    """Return HTML as plain text, each block on a line of its own, as a tracker gives back what `write_html` made."""
    reader = _TextOf()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts).replace("\u00a0", " ")


class _TextOf(HTMLParser):
    """Takes the text out of HTML; where a tag that is none of a line begins or ends, a new line begins."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's
        """Begin a line."""
        if tag not in _INLINE:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a line."""
        if tag not in _INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep text; a line end in HTML is a blank."""
        self.parts.append(" ".join(data.split("\n")))


def _leave_out(*_: object) -> str:
    return ""


def _parse(markdown: str) -> "SyntaxTreeNode":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only who opens a ticket pays for it
    from markdown_it.tree import SyntaxTreeNode  # noqa: PLC0415 - see above

    return SyntaxTreeNode(MarkdownIt("commonmark").parse(markdown))


def _blocks(nodes: "Sequence[SyntaxTreeNode]", *, nested: bool) -> Iterator[Node]:
    """Yield blocks; inside of lists and quotes the format knows paragraphs, lists and code only."""
    for node in nodes:
        if node.type in _LISTS:
            yield {"type": _LISTS[node.type], **_start(node), "content": [_item(one) for one in node.children]}
        elif node.type in _CODE:
            yield code_block(node.content.rstrip("\n") or " ")
        elif node.type == "blockquote" and not nested:
            yield {"type": "blockquote", "content": list(_blocks(node.children, nested=True)) or [_paragraph(())]}
        elif node.type == "blockquote":
            yield from _blocks(node.children, nested=True)
        elif node.type == "hr" and not nested:
            yield {"type": "rule"}
        elif node.type in {"paragraph", "heading"}:
            block = _paragraph(list(_inline(node.children, ())))
            if node.type == "heading" and not nested:
                block |= {"type": "heading", "attrs": {"level": int(node.tag[1:])}}
            yield block


def _paragraph(content: Sequence[Node]) -> Node:
    return {"type": "paragraph", "content": list(content)}


def _start(node: "SyntaxTreeNode") -> Mapping[str, Any]:
    start = node.attrs.get("start", 1)
    return {"attrs": {"order": start}} if node.type == "ordered_list" and start != 1 else {}


def _item(node: "SyntaxTreeNode") -> Node:
    content = list(_blocks(node.children, nested=True))
    if not content or content[0]["type"] not in {"paragraph", "codeBlock"}:
        content.insert(0, _paragraph(()))
    return {"type": "listItem", "content": content}


def _inline(nodes: "Sequence[SyntaxTreeNode]", marks: tuple[Node, ...]) -> Iterator[Node]:
    """Yield texts with the marks that surround them; neighbours with the same marks are one text."""
    last: Node | None = None
    for part in _pieces(nodes, marks):
        if last is not None and part["type"] == last["type"] == "text" and part.get("marks") == last.get("marks"):
            last["text"] += part["text"]
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last


def _pieces(nodes: "Sequence[SyntaxTreeNode]", marks: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        if node.type == "text" and node.content:
            yield _text(node.content, marks)
        elif node.type == "code_inline":
            # The format allows code to be a link, and nothing else besides.
            yield _text(node.content, (*(mark for mark in marks if mark["type"] == "link"), {"type": "code"}))
        elif node.type == "softbreak":
            yield _text(" ", marks)
        elif node.type == "hardbreak":
            yield {"type": "hardBreak"}
        elif node.type in {"text_special", "inline", "image"} or node.type in _MARKS or node.type == "link":
            yield from _pieces(node.children, (*marks, *_mark(node)))


def _mark(node: "SyntaxTreeNode") -> Iterator[Node]:
    if node.type in _MARKS:
        yield {"type": _MARKS[node.type]}
    href = str(node.attrs.get("href", ""))
    if node.type == "link" and _LINK.match(href):
        yield {"type": "link", "attrs": {"href": href}}


def _text(text: str, marks: Sequence[Node]) -> Node:
    return {"type": "text", "text": text, **({"marks": list(marks)} if marks else {})}


def _texts(nodes: "Sequence[SyntaxTreeNode]") -> Iterator[str]:
    """Yield the text of each block."""
    for node in nodes:
        if node.type in _LISTS:
            yield "\n".join(_list_lines(node))
        elif node.type in _CODE:
            yield "\n".join(f"    {line}" for line in node.content.rstrip("\n").split("\n"))
        elif node.type == "blockquote":
            yield "\n".join(f"> {line}" for text in _texts(node.children) for line in text.split("\n"))
        elif node.type in {"paragraph", "heading"}:
            yield "".join(_plain(part) for part in _inline(node.children, ()))


def _list_lines(node: "SyntaxTreeNode") -> Iterator[str]:
    first = int(node.attrs.get("start", 1))
    for number, item in enumerate(node.children, start=first):
        sign = f"{number}. " if node.type == "ordered_list" else "- "
        lines = "\n".join(_texts(item.children)).split("\n")
        yield sign + f"\n{' ' * len(sign)}".join(lines)


def _plain(part: Node) -> str:
    if part["type"] != "text":
        return "\n"
    link = next((mark["attrs"]["href"] for mark in part.get("marks", ()) if mark["type"] == "link"), "")
    return f"{part['text']} ({link})" if link and link != part["text"] else str(part["text"])
