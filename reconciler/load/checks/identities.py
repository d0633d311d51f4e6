"""People, service accounts and groups are checked against each other."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from reconciler.items import Value, fold
from reconciler.load.checks.cycles import find_cycles
from reconciler.load.checks.names import check_attributes, check_members, check_owner, check_person, known_attributes
from reconciler.load.checks.report import Report, Spot
from reconciler.load.identities import TEXT_FIELDS
from reconciler.load.suggest import suggest
from reconciler.model.company import Company
from reconciler.model.identities import FORGE, Group, Person, ServiceAccount


def check_people(company: Company, report: Report) -> None:
    """Check managers, addresses and usernames."""
    people = company.people
    for person in [one for one in people.values() if one.manager and one.manager not in people]:
        check_person(company, report, Spot(person.place, ("manager",)), person.manager)
    _check_management(people, report)
    _check_addresses(company, report)
    _check_usernames(company, report)


def _check_management(people: Mapping[str, Person], report: Report) -> None:
    """Nobody manages themselves, not even by way of others."""
    managers = {person.manager for person in people.values()}
    for cycle in find_cycles({name: (people[name].manager,) for name in people if name in managers}):
        chain = " → ".join([*cycle, cycle[0]])
        spot = Spot(people[cycle[0]].place, ("manager",))
        report.error(spot, f"managers go round in a circle: {chain}", "correct one of them")


def _check_addresses(company: Company, report: Report) -> None:
    """No two identities have one address, whatever its case."""
    addresses = [fold(person.email) for person in company.people.values() if person.email]
    if len(set(addresses)) == len(addresses) and not company.service_accounts:
        return
    seen: dict[str, Person | ServiceAccount] = {}
    for identities in (company.people, company.service_accounts):
        for identity in [one for one in identities.values() if one.email]:
            first = seen.setdefault(fold(identity.email), identity)
            if first is not identity:
                message = f"{identity.id} has the same address as {first.id} ({first.place})"
                hint = "accounts are matched by address: give each its own"
                report.error(Spot(identity.place, ("email",)), message, hint)


def _check_usernames(company: Company, report: Report) -> None:
    """Usernames are those of known apps or of the forge, and no two identities have one in the same app."""
    seen: dict[tuple[str, str], Person | ServiceAccount] = {}
    for identities in (company.people, company.service_accounts):
        for identity in [one for one in identities.values() if one.usernames]:
            for app, username in identity.usernames.items():
                spot = Spot(identity.place, ("usernames", app))
                if app not in company.apps and app != FORGE:
                    report.miss(spot, "app", app, company.apps.keys(), "define the app, or correct its name")
                first = seen.setdefault((app, fold(username)), identity)
                if first is not identity:
                    message = f"{identity.id} has the same username in {app} as {first.id} ({first.place})"
                    report.error(spot, message, "correct one of them")


def check_service_accounts(company: Company, report: Report) -> None:
    """Check owners, reviews, and that no id is a person's too."""
    for service in company.service_accounts.values():
        if person := company.people.get(service.id):
            message = f"service account {service.id} has the id of a person ({person.place})"
            report.error(Spot(service.place), message, "ids are unique over both: rename one")
        if service.owner:
            spot = Spot(service.place, ("owner",))
            check_owner(company, report, spot, service.owner, f"service account {service.id}")
        if service.review_by and service.review_by < report.today:
            message = f"service account {service.id} was to be reviewed by {service.review_by}"
            report.warn(Spot(service.place), message, "look whether it is still needed, then move review_by")


def check_groups(company: Company, report: Report, rules: Mapping[str, Sequence[str]]) -> None:
    """Check members, nesting and rules.

    Args:
        company: the whole.
        report: gets the problems.
        rules: group → the attributes that its rule reads.
    """
    for group in company.groups.values():
        check_members(company, report, Spot(group.place), group)
    _check_nesting(company.groups, report)
    known = known_attributes(company.people.values()) if rules else frozenset()
    for name, attributes in rules.items():
        check_attributes(report, Spot(company.groups[name].place, ("where",)), attributes, known)
    _check_values(company, report)


def _check_nesting(groups: Mapping[str, Group], report: Report) -> None:
    for cycle in find_cycles({group.name: group.groups for group in groups.values() if group.groups}):
        chain = " → ".join([*cycle, cycle[0]])
        spot = Spot(groups[cycle[0]].place, ("groups", cycle[1 % len(cycle)]))
        report.error(spot, f"groups contain each other: {chain}", "take one of them out")


def _check_values(company: Company, report: Report) -> None:
    """Warn of equalities that nobody fulfils: a slip of the pen would empty the group."""
    values: dict[str, set[Value]] = {}
    for group in company.groups.values():
        for name, wanted in (group.where or {}).items():
            if name not in values:
                values[name] = set(_values_of(company.people.values(), name))
            if values[name] and not _meets(wanted, values[name]):
                _warn_of_value(report, group, name, wanted, values[name])


def _warn_of_value(report: Report, group: Group, name: str, wanted: Value, values: set[Value]) -> None:
    spot = Spot(group.place)
    shown = " or ".join(report.show(spot, one) for one in (wanted if isinstance(wanted, tuple) else (wanted,)))
    texts = [value for value in values if isinstance(value, str)]
    hint = "" if spot.place.file in report.private else suggest(str(wanted), texts)
    report.warn(spot, f"group {group.name}: nobody has {name} {shown}", hint or "correct it, or the people")


def _meets(wanted: Value, values: set[Value]) -> bool:
    return not values.isdisjoint(wanted) if isinstance(wanted, tuple) else wanted in values


def _values_of(people: Collection[Person], name: str) -> Iterator[Value]:
    """Yield what people have as one attribute; several texts each by itself, dates as text."""
    for person in people:
        value = getattr(person, name) if name in TEXT_FIELDS else person.attributes.get(name)
        if isinstance(value, tuple):
            yield from value
        elif value is not None and value != "":
            yield value.isoformat() if isinstance(value, date) else value
