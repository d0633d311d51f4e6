"""Policies are checked: a guard that guards nothing is an error; and sensitive sections stand only where they may."""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.load.checks.names import check_entitlement, check_names, identities
from reconciler.load.checks.report import Report, Spot
from reconciler.model.company import Company
from reconciler.problems import Place


def check_policies(company: Company, report: Report, places: Mapping[str, Place]) -> None:
    """Check that what policies name exists.

    Args:
        company: the whole.
        report: gets the problems.
        places: `protected` and the like → where it is written.
    """
    if place := places.get("never_together"):
        for rule in company.policies.never_together.values():
            for text in rule.entitlements:
                check_entitlement(company, report, Spot(place, (rule.name, text)), text)
    if place := places.get("protected"):
        _check_protected(company, report, Spot(place))


def _check_protected(company: Company, report: Report, spot: Spot) -> None:
    protected = company.policies.protected
    check_names(report, spot.at("people"), "person or service account", sorted(protected.people), identities(company))
    for text in sorted(protected.entitlements):
        check_entitlement(company, report, spot.at("entitlements", text), text)
    for text in sorted(protected.accounts):
        app, slash, username = text.partition("/")
        account = spot.at("accounts", text)
        if not slash or not username:
            report.error(account, f"{report.show(account, text)} is no account of an app", "write app/username")
        elif app not in company.apps:
            report.miss(account, "app", app, company.apps.keys(), "define it, or correct the name")


def check_sections(sections: Iterable[tuple[str, Place]], report: Report, allowed: Mapping[str, Sequence[str]]) -> None:
    """Check that apps and policies stand only where `reconciler.yaml` lets them.

    Args:
        sections: the name and the place of each section.
        report: gets the problems.
        allowed: section → files and folders; a section that is not in here may stand anywhere.
    """
    for name, place in sections:
        paths = allowed.get(name)
        if paths is not None and not any(place.file == path or place.file.startswith(f"{path}/") for path in paths):
            hint = f"move it to {' or '.join(paths)}, or change paths.{name} in reconciler.yaml"
            report.error(Spot(place), f"{name} may not be written in this file", hint)
