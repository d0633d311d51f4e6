"""Licences: exchanged without a gap, bound to an address, and removed from who has left."""

import pytest
from google_driving import at, change, outcome, perform, read
from google_fake import FakeGoogle
from google_harness import PRODUCT

from reconciler.provider.change import Operation

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")

BACKUP = "101031"


def seed(*held: str) -> FakeGoogle:
    """Return a customer with a user, u100, who has some licences of one product."""
    app = FakeGoogle(skus={(PRODUCT, "1"), (PRODUCT, "2"), (PRODUCT, "9"), (BACKUP, "5")})
    app.add_user(at("ana"))
    app.licenses |= {(PRODUCT, sku, at("ana")) for sku in held}
    return app


def give(app: FakeGoogle, sku: str, times: int = 1) -> list[tuple[str, str]]:
    """Grant a licence so many times, and return how each ended."""
    ids = {"account_id": "u100", "entitlement_id": f"{PRODUCT}/{sku}"}
    wanted = change(Operation.GRANT, "ana", f"license:{sku}", **ids)
    return [outcome(each) for each in perform(app, *[wanted] * times)]


def test_another_licence_of_a_product_is_exchanged() -> None:
    """One request swaps the two: there is no moment in which the mailbox has no licence; a second time it is held."""
    app = seed("2")
    assert give(app, "1", 2) == [("done, not verified", "exchanged for 2"), ("done, not verified", "held already")]
    assert app.licenses == {(PRODUCT, "1", at("ana"))}
    writes = [method for method, path in app.seen if method != "GET" and "licensing" in path]
    assert writes == ["POST", "PATCH", "POST"]
    assert "DELETE" not in writes


def test_a_licence_that_has_no_name_is_shown_as_the_vendor_calls_it() -> None:
    """What is bought besides the named ones is held too, and is exchanged as well."""
    app = seed("9")
    assert [(who, key) for who, key, _ in read(app).grants()] == [("u100", f"license:{PRODUCT}/9")]
    assert give(app, "1") == [("done, not verified", "exchanged for 9")]


def test_a_licence_follows_whoever_was_renamed() -> None:
    """Licences hang on addresses: the address of the day is looked up by the account's id."""
    app = seed()
    app.users["u100"]["primaryEmail"] = at("ana.ruiz")
    assert give(app, "1") == [("done, not verified", "")]
    assert app.licenses == {(PRODUCT, "1", at("ana.ruiz"))}


def test_a_licence_of_a_recycled_address_is_not_inherited() -> None:
    """The account of the id is gone: whoever has the address now gets nothing, and loses nothing."""
    app = seed()
    app.drop("u100")
    app.add_user(at("ana"))
    app.licenses.add((PRODUCT, "2", at("ana")))
    assert give(app, "1")[0][0] == "failed"
    ids = {"account_id": "u100", "entitlement_id": f"{PRODUCT}/2"}
    revoke = change(Operation.REVOKE, "ana", "license:beta", **ids)
    assert outcome(perform(app, revoke)[0]) == ("done, not verified", "not found")
    assert app.licenses == {(PRODUCT, "2", at("ana"))}


def test_who_has_left_loses_every_licence_of_the_named_products() -> None:
    """Those without a name too, of each product that is named; not those of other people or products."""
    app = seed("9")
    app.add_user(at("omar"))
    app.licenses |= {(PRODUCT, "1", at("omar")), (BACKUP, "5", at("ana")), ("Other", "7", at("ana"))}
    remove = change(Operation.REMOVE_LICENSES, "ana", account_id="u100")
    named = {"licenses": {"alpha": f"{PRODUCT}/1", "backup": f"{BACKUP}/5"}}
    assert [each.detail for each in perform(app, remove, remove, **named)] == ["2 removed", "0 removed"]
    assert app.licenses == {(PRODUCT, "1", at("omar")), ("Other", "7", at("ana"))}


def test_licences_of_nobody_are_told() -> None:
    """An address that is no user's (suspended long ago, renamed a moment ago) is a note, not a grant."""
    app = seed("1")
    app.licenses.add((PRODUCT, "2", at("ghost")))
    snapshot = read(app)
    assert [who for who, _, _ in snapshot.grants()] == ["u100"]
    assert "1 licences are held by addresses that are no user's" in snapshot.notes
