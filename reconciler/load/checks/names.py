"""Names that somebody must have: people, groups, owners, attributes, entitlements of apps."""

from collections.abc import Collection, Sequence
from datetime import date

from reconciler.load.checks.report import Report, Spot
from reconciler.load.faults import quote
from reconciler.load.identities import TEXT_FIELDS
from reconciler.load.suggest import suggest
from reconciler.load.wording import KEY
from reconciler.model.access import Recipients
from reconciler.model.company import Company
from reconciler.model.identities import Group, Person

_SHOWN = 20


def check_names(report: Report, spot: Spot, noun: str, names: Sequence[str], known: Collection[str]) -> None:
    """Check that somebody has each of these names."""
    for name in names:
        if name not in known:
            report.miss(spot.at(name), noun, name, known, f"define the {noun}, or correct the name")


def check_members(company: Company, report: Report, spot: Spot, members: Group | Recipients) -> None:
    """Check the people, service accounts and groups that are listed somewhere."""
    people, services = company.people, company.service_accounts
    for name in members.people:
        if name in services:
            hint = "list it under service_accounts"
            report.error(spot.at("people", name), f"{name} is a service account, not a person", hint)
        elif name not in people:
            report.miss(spot.at("people", name), "person", name, people.keys(), "define the person, or correct the id")
    check_names(report, spot.at("service_accounts"), "service account", members.service_accounts, services.keys())
    check_names(report, spot.at("groups"), "group", members.groups, company.groups.keys())
    if members.excluded:
        check_names(report, spot.at("except"), "person or service account", members.excluded, identities(company))


def identities(company: Company) -> Collection[str]:
    """Return the ids of all people and service accounts."""
    people, services = company.people.keys(), company.service_accounts.keys()
    return people | services if services else people


def check_person(company: Company, report: Report, spot: Spot, name: str) -> Person | None:
    """Return the person of an id that is written at a spot; an error where there is none."""
    person = company.people.get(name)
    if person is None and name in company.service_accounts:
        report.error(spot, f"{name} is a service account, not a person", f"name a person as {spot.steps[-1]}")
    elif person is None:
        report.miss(spot, "person", name, company.people.keys(), "define the person, or correct the id")
    return person


def check_owner(company: Company, report: Report, spot: Spot, owner: str, what: str) -> None:
    """Check that whoever answers for something is a person, and still there (else a warning: it is only time)."""
    person = check_person(company, report, spot, owner)
    if person and (day := _left_on(person, report.today)):
        key = spot.steps[-1]
        message = f"{owner}, {key} of {what}, left on {day}"
        report.warn(Spot(spot.place), message, f"name somebody else as {key}")


def _left_on(person: Person, today: date) -> date | None:
    """Return the day on which somebody left, None for who is here."""
    if person.left and person.left.date() <= today:
        return person.left.date()
    return person.last_day if person.last_day and person.last_day < today else None


def known_attributes(people: Collection[Person]) -> frozenset[str]:
    """Return the names of everything that some person has."""
    found: set[str] = set(TEXT_FIELDS)
    for person in people:
        if person.attributes:
            found.update(person.attributes)
    return frozenset(found)


def check_attributes(report: Report, spot: Spot, names: Sequence[str], known: Collection[str]) -> None:
    """Check that somebody has each attribute that a rule or a template reads."""
    for name in names:
        if name not in known and report.complete:
            hint = suggest(name, known) or f"attributes are: {', '.join(sorted(known)[:_SHOWN])}"
            report.error(spot.at(name), f"nobody has an attribute {quote(name)}", hint)


def check_entitlement(company: Company, report: Report, spot: Spot, text: str) -> None:
    """Check a text of the form `app/kind:name`."""
    app, slash, key = text.partition("/")
    if not slash or not KEY.fullmatch(key):
        report.error(spot, f"{report.show(spot, text)} is no entitlement of an app", "write app/kind:name")
    elif app not in company.apps:
        report.miss(spot, "app", app, company.apps.keys(), "define the app, or correct its name")
