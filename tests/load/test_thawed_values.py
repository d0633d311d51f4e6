"""Frozen dataclasses that are made quickly are what they would be otherwise."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from conftest import Repository

from reconciler.load.thaw import thaw
from reconciler.model.identities import Person
from reconciler.problems import NOWHERE

VALUES = ("ana", "Ana", "", "employee", "", "", "", "", "", None, None, {}, {}, None, NOWHERE)


def test_a_thawed_value_equals_one_made_slowly() -> None:
    """Equal, of the same class, shown alike, and replaceable."""
    person = thaw(Person)(*VALUES)
    assert type(person) is Person
    assert person == Person("ana", "Ana")
    assert repr(person) == repr(Person("ana", "Ana"))
    assert replace(person, name="Ana Ruiz").name == "Ana Ruiz"


def test_a_thawed_value_is_frozen(acme: Repository) -> None:
    """Nobody can change what was loaded."""
    for person in (thaw(Person)(*VALUES), acme.company().people["ana"]):
        with pytest.raises(FrozenInstanceError):
            person.name = "Eve"  # type: ignore[misc]


def test_a_missing_field_is_an_error() -> None:
    """A field that was added to the model and forgotten here is found at once."""
    with pytest.raises(TypeError):
        thaw(Person)(*VALUES[:-1])
