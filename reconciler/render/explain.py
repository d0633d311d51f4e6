"""Why somebody has what they have, and who has something: each item with its chains beneath."""

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.render.colours import Palette, palette
from reconciler.render.data import item_data, place_data
from reconciler.render.escape import visible, wrap
from reconciler.render.layout import UNLIMITED
from reconciler.render.words import subject
from reconciler.resolve.declared import Presence, Reason
from reconciler.resolve.explain import ExplainedItem


def render_explained(app: str, items: Sequence[ExplainedItem], *, width: int, colour: bool) -> Iterator[str]:
    """Yield what one identity has in an app: the account and each entitlement, with every reason and its places."""
    paint = palette(colour=colour)
    yield paint.paint(paint.strong, visible(app))
    for item in items:
        yield from _item_lines(subject(item.item)[1] or "account", item, width, paint)


def render_holders(entitlement: str, items: Sequence[ExplainedItem], *, width: int, colour: bool) -> Iterator[str]:
    """Yield who has one entitlement (`app/kind:name`), each holder with every reason and its places."""
    paint = palette(colour=colour)
    yield paint.paint(paint.strong, visible(entitlement))
    for item in items:
        yield from _item_lines(subject(item.item)[0], item, width, paint)


def _item_lines(name: str, item: ExplainedItem, width: int, paint: Palette) -> Iterator[str]:
    level = f" at {visible(item.level)}" if item.level else ""
    symbol, code = _mark(item.presence, paint)
    stands = "" if item.presence is Presence.PRESENT else f"  {paint.paint(code, _stand(item.presence))}"
    yield f"  {paint.paint(code, symbol)} {name}{level}{stands}"
    for reason in item.reasons:
        text = _reason_line(reason)
        for line in [text] if width == UNLIMITED else wrap(text, width - 6):
            yield f"      {paint.paint(paint.quiet, line)}"


def _mark(presence: Presence | None, paint: Palette) -> tuple[str, str]:
    match presence:
        case Presence.PRESENT:
            return "+", paint.add
        case Presence.SUSPENDED | Presence.ABSENT:
            return "-", paint.remove
        case None:
            return "·", paint.quiet


def _stand(presence: Presence | None) -> str:
    return presence.value if presence else "not declared"


def _reason_line(reason: Reason) -> str:
    places = ", ".join(dict.fromkeys(visible(place.short) for place in reason.places if place.file))
    text = visible(reason.text)
    return f"{text} ({places})" if places else text


def explained_data(item: ExplainedItem) -> dict[str, Any]:
    """Return an explained item as data: `{item, presence, level, reasons: [{text, places}]}`; a silent one has null."""
    return {
        "item": item_data(item.item),
        "presence": item.presence.value if item.presence else None,
        "level": item.level,
        "reasons": [
            {"text": reason.text, "places": [place_data(place) for place in reason.places]} for reason in item.reasons
        ],
    }
