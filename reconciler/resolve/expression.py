"""Rules and templates as people write them in the YAML: small Jinja expressions, bounded, over one person's attributes.

A rule names attributes directly (`department == "Engineering" and location in ["Berlin", "Paris"]`), a template under
`person` (`{{ person.title }}`). What they may hold is in `sandbox`, which is loaded only where an expression is more
than text and plain attributes. An attribute that a person lacks equals nothing but `none`, is less and greater than
nothing, and is rendered as an empty text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from reconciler.errors import ExpressionError
from reconciler.items import Value

LONGEST_SOURCE = 2_000
"""Characters in an expression or a template."""

Evaluate = Callable[[Mapping[str, object]], object]

_PLAIN = re.compile(r"\{\{\s*person\.([A-Za-z]\w*)\s*\}\}")
_MARKS = ("{{", "{%", "{#")


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled rule.

    Attributes:
        source: as it was written.
        names: the attributes that it looks at.
    """

    source: str
    names: frozenset[str]
    _evaluate: Evaluate

    def matches(self, attributes: Mapping[str, object]) -> bool:
        """Say whether the rule holds for a person; an attribute that is None or not in the mapping is lacking.

        Raises:
            ExpressionError: it cannot be evaluated (a text is compared with a number).
        """
        return bool(self._evaluate(attributes))


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template.

    Attributes:
        source: as it was written.
        names: the attributes that it uses under `person.`.
    """

    source: str
    names: frozenset[str]
    _evaluate: Callable[[Mapping[str, Value]], Value]

    def render(self, person: Mapping[str, Value]) -> Value:
        """Render it for a person.

        A template that is one expression and nothing else gives that expression's own value (a number stays one), and
        None where the person lacks it; any other gives a text.

        Raises:
            ExpressionError: it cannot be rendered.
        """
        return self._evaluate(person)


@lru_cache(maxsize=4_096)
def compile_expression(source: str) -> Expression:
    """Compile a rule over the attributes of one person.

    Raises:
        ExpressionError: it is too long, no expression, or holds what a rule may not do.
    """
    _check_length(source, "the expression")
    from reconciler.resolve.sandbox import compile_rule  # noqa: PLC0415 - Jinja2 costs a third of the start-up

    names, evaluate = compile_rule(source)
    return Expression(source, names, evaluate)


@lru_cache(maxsize=4_096)
def compile_template(source: str) -> Template:
    """Compile a template over `person`; a text without `{{` stands for itself.

    Raises:
        ExpressionError: it is too long, no template, or holds what a template may not do.
    """
    _check_length(source, "the template")
    if plain := _compile_plain(source):
        return plain
    from reconciler.resolve.sandbox import compile_text  # noqa: PLC0415 - see compile_expression

    names, evaluate = compile_text(source)
    return Template(source, names, evaluate)


def as_text(value: object) -> str:
    """Return a value as it stands within a text: nothing for None, `true`, and several texts with commas between."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return ", ".join(map(as_text, value))
        case _:
            return str(value)


def shorten(source: str) -> str:
    """Return a source as messages quote it: on one line, and not all of it if it is long."""
    text = " ".join(source.split())
    return text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004 - a line of a terminal


def _check_length(source: str, what: str) -> None:
    if len(source) > LONGEST_SOURCE:
        raise ExpressionError(
            f"{what} {shorten(source)!r} has {len(source)} characters",
            hint=f"at most {LONGEST_SOURCE} are allowed; write an attribute into the people's YAML instead",
        )


def _compile_plain(source: str) -> Template | None:
    """Compile text with plain attributes in it, which nearly all templates are; None for anything that is more."""
    parts = _PLAIN.split(source)
    texts, names = parts[::2], parts[1::2]
    if any(mark in text for text in texts for mark in _MARKS):
        return None
    if len(names) == 1 and not any(texts):
        return Template(source, frozenset(names), lambda person: person.get(names[0]))
    return Template(source, frozenset(names), lambda person: _fill(texts, names, person))


def _fill(texts: list[str], names: list[str], person: Mapping[str, Value]) -> str:
    filled = (as_text(person.get(name)) + text for name, text in zip(names, texts[1:], strict=True))
    return texts[0] + "".join(filled)
