"""Explanations as people read them."""

import json

from syrupy.assertion import SnapshotAssertion

from reconciler.items import AccountItem, GrantItem
from reconciler.problems import Place
from reconciler.render.explain import explained_data, render_explained, render_holders
from reconciler.resolve.declared import Presence, Reason
from reconciler.resolve.explain import ExplainedItem

CHAIN = Reason(
    "role engineer, because group platform > sre (rule department = SRE)",
    (Place("roles.yaml", 4), Place("groups.yaml", 9), Place("groups.yaml", 12)),
)
EXPIRED = Reason("expired", (Place("grants.yaml", 2),))
ITEMS = (
    ExplainedItem(AccountItem("ana"), Presence.PRESENT, None, (CHAIN,)),
    ExplainedItem(GrantItem("ana", "repo:web"), Presence.PRESENT, "write", (CHAIN, Reason("grant: IT-412"))),
    ExplainedItem(GrantItem("ana", "role:admin"), Presence.ABSENT, None, (EXPIRED,)),
    ExplainedItem(GrantItem("ana", "team:x"), None),
)


def test_each_item_has_its_chains_beneath_it(snapshot: SnapshotAssertion) -> None:
    """What is declared, at which level, and every place of every reason."""
    assert "\n".join(render_explained("github", ITEMS, width=80, colour=False)) == snapshot


def test_holders_are_listed_with_their_chains(snapshot: SnapshotAssertion) -> None:
    """The reverse question reads the same way."""
    assert "\n".join(render_holders("github/repo:web", ITEMS[1:2], width=80, colour=False)) == snapshot


def test_the_data_of_an_explanation_is_json() -> None:
    """A silent item has no presence."""
    data = [json.loads(json.dumps(explained_data(item))) for item in ITEMS]
    assert [one["presence"] for one in data] == ["present", "present", "absent", None]
    assert data[1]["level"] == "write"
    assert data[0]["reasons"][0]["places"][0] == {"file": "roles.yaml", "line": 4, "column": 0}
