"""Roles, grants and apps are checked against who and what exists."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.items import kind_of
from reconciler.load.checks.names import (
    check_attributes,
    check_entitlement,
    check_members,
    check_names,
    check_owner,
    known_attributes,
)
from reconciler.load.checks.report import Report, Spot
from reconciler.model.access import GrantBlock, Role, WantedList
from reconciler.model.apps import App
from reconciler.model.company import Company

OWNER = "owner"


def check_roles(company: Company, report: Report) -> None:
    """Check who gets roles, and the apps in them."""
    for role in company.roles.values():
        _check_block(company, report, role)


def check_grants(company: Company, report: Report, moment: datetime) -> None:
    """Check who gets grants, the apps in them, and their time."""
    for grant in company.grants:
        _check_block(company, report, grant)
        if grant.until and grant.start and grant.until <= grant.start:
            spot = Spot(grant.place, ("until",))
            report.error(spot, "this grant ends before it begins", "correct until or start")
        elif grant.until and grant.until <= moment:
            message = f"this grant expired at {grant.until:%Y-%m-%d %H:%M} UTC"
            report.warn(Spot(grant.place), message, "remove it, or move until")


def _check_block(company: Company, report: Report, block: Role | GrantBlock) -> None:
    """Check a role or a grant."""
    spot = Spot(block.place)
    to = block.to
    if to.people or to.service_accounts or to.groups or to.excluded:
        check_members(company, report, spot.at("to"), to)
    for app in block.grants:
        if app not in company.apps:
            hint = "define it under apps, or correct the name"
            report.miss(spot.at("grants", app), "app", app, company.apps.keys(), hint)
    for entitlement in to.entitlements:
        _check_holder(company, report, spot.at("to", "entitlements", entitlement), entitlement, block.grants)


def _check_holder(
    company: Company, report: Report, spot: Spot, entitlement: str, grants: Mapping[str, WantedList]
) -> None:
    """Check an entitlement that holds others: of the same app, and not itself."""
    app, _, key = entitlement.partition("/")
    check_entitlement(company, report, spot, entitlement)
    if app in company.apps and any(other != app for other in grants):
        hint = "put the other apps into a block of their own"
        report.error(spot, f"{entitlement} can hold entitlements of {app} only", hint)
    if any(one.entitlement == key for one in grants.get(app, ())):
        report.error(spot, f"{entitlement} would hold itself", "remove it on one side")


def check_apps(company: Company, report: Report, templates: Mapping[str, Sequence[str]]) -> None:
    """Check owners, account rules and entitlements of apps.

    Args:
        company: the whole.
        report: gets the problems.
        templates: app → the attributes that its account templates read.
    """
    for app in company.apps.values():
        spot = Spot(app.place)
        for key, person in ((OWNER, app.owner), ("deputy", app.deputy)):
            if person:
                check_owner(company, report, spot.at(key), person, f"app {app.name}")
        if app.accounts.to:
            check_members(company, report, spot.at("accounts", "to"), app.accounts.to)
        _check_entitlements(company, report, app)
    known = known_attributes(company.people.values()) | {OWNER} if any(templates.values()) else frozenset()
    for name, attributes in templates.items():
        check_attributes(report, Spot(company.apps[name].place, ("accounts", "attributes")), attributes, known)


def _check_entitlements(company: Company, report: Report, app: App) -> None:
    became: dict[str, str] = {}
    for key, rules in app.entitlements.items():
        spot = Spot(app.place, ("entitlements", key))
        groups = [name for name in rules.approvers if name != OWNER]
        check_names(report, spot.at("approvers"), "group", groups, company.groups.keys())
        for former in rules.formerly:
            if kind_of(former) != kind_of(key):
                report.error(
                    spot.at("formerly", former), f"{former} is of another kind than {key}", "a rename keeps it"
                )
            elif former in app.entitlements:
                report.error(spot.at("formerly", former), f"{former} is declared itself", "remove it on one side")
            elif became.setdefault(former, key) != key:
                message = f"{former} was formerly both {became[former]} and {key}"
                report.error(spot.at("formerly", former), message, "it can only have become one of them")
