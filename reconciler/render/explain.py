"""Why somebody has what they have, and who has something: each item with its chains beneath."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

from reconciler.items import AccountItem, EntitlementItem, GrantItem, kind_of
from reconciler.plan.plan import Provenance
from reconciler.problems import Place
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of
from reconciler.render.colours import Palette, palette
from reconciler.render.compared import origin_words, provenance_data
from reconciler.render.data import item_data, place_data
from reconciler.render.escape import visible, wrap
from reconciler.render.layout import UNLIMITED
from reconciler.render.words import subject
from reconciler.resolve.declared import Presence, Reason
from reconciler.resolve.explain import ExplainedItem

_UNKNOWN: Mapping[Place, Provenance] = {}

Origins: TypeAlias = Mapping[Place, Provenance]
"""Where lines come from, as far as that is known."""


def render_explained(  # noqa: PLR0913 - all but two are keywords: how it looks, and what is known beside
    app: str,
    items: Sequence[ExplainedItem],
    *,
    width: int,
    colour: bool,
    origins: Origins = _UNKNOWN,
    attested: AbstractSet[str] = frozenset(),
) -> Iterator[str]:
    """Yield what one identity has in an app: the account and each entitlement, with every reason and its places.

    `attested` are the app's collections that only closed tickets tell of: what of an item is live is then not seen.
    """
    paint = palette(colour=colour)
    yield paint.paint(paint.strong, visible(app))
    for item in items:
        yield from _item_lines(_label(subject(item.item)[1] or "account", item, attested), item, width, paint, origins)


def render_holders(  # noqa: PLR0913 - same
    entitlement: str,
    items: Sequence[ExplainedItem],
    *,
    width: int,
    colour: bool,
    origins: Origins = _UNKNOWN,
    attested: AbstractSet[str] = frozenset(),
) -> Iterator[str]:
    """Yield who has one entitlement (`app/kind:name`), each holder with every reason and its places.

    `attested`: see `render_explained`.
    """
    paint = palette(colour=colour)
    yield paint.paint(paint.strong, visible(entitlement))
    for item in items:
        yield from _item_lines(_label(subject(item.item)[0], item, attested), item, width, paint, origins)


def is_attested(item: ExplainedItem, attested: AbstractSet[str]) -> bool:
    """Say whether only closed tickets tell what of an item is live."""
    collections: set[str] = set()
    match item.item:
        case AccountItem():
            collections = {ACCOUNTS}
        case EntitlementItem(entitlement):
            collections = {entitlements_of(kind_of(entitlement)), entitlements_of("*")}
        case GrantItem(_, entitlement):
            collections = {grants_of(kind_of(entitlement)), grants_of("*")}
    return bool(collections & attested)


def _label(name: str, item: ExplainedItem, attested: AbstractSet[str]) -> str:
    return f"{name} (only tickets tell of it, never seen)" if is_attested(item, attested) else name


def _item_lines(name: str, item: ExplainedItem, width: int, paint: Palette, origins: Origins) -> Iterator[str]:
    level = f" at {visible(item.level)}" if item.level else ""
    symbol, code = _mark(item.presence, paint)
    stands = "" if item.presence is Presence.PRESENT else f"  {paint.paint(code, _stand(item.presence))}"
    yield f"  {paint.paint(code, symbol)} {name}{level}{stands}"
    for reason in item.reasons:
        text = _reason_line(reason, origins)
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


def _reason_line(reason: Reason, origins: Origins) -> str:
    places = ", ".join(dict.fromkeys(_place_words(place, origins) for place in reason.places if place.file))
    text = visible(reason.text)
    return f"{text} ({places})" if places else text


def _place_words(place: Place, origins: Origins) -> str:
    found = origins.get(place)
    return f"{visible(place.short)}, {origin_words(found)}" if found else visible(place.short)


def explained_data(
    item: ExplainedItem, origins: Origins = _UNKNOWN, attested: AbstractSet[str] = frozenset()
) -> dict[str, Any]:
    """Return an explained item as data; a silent one has null.

    `attested` says whether what of it is live is known from closed tickets only.

    `{item, presence, level, attested, reasons: [{text, places: [{file, line, column, origin: {commit, author, at,
    pull_request}}]}]}`; a place whose commit is not known has no origin.
    """
    return {
        "item": item_data(item.item),
        "presence": item.presence.value if item.presence else None,
        "level": item.level,
        "attested": is_attested(item, attested),
        "reasons": [
            {"text": reason.text, "places": [_place_data(place, origins) for place in reason.places]}
            for reason in item.reasons
        ],
    }


def _place_data(place: Place, origins: Origins) -> dict[str, Any] | None:
    data, found = place_data(place), origins.get(place)
    return {**data, "origin": provenance_data(found)} if data and found else data
