"""Writes the company of 106 apps beside itself, the same one every time: `python examples/company-106/make.py`."""

import csv
import io
import json
import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent


def _words(text: str) -> list[str]:
    return text.split()


EXPORTED = "2026-03-02T07:00:00+01:00"

SCIM = [
    "slack",
    "zoom",
    "notion",
    "miro",
    "figma",
    "asana",
    "atlassian",
    "box",
    "dropbox",
    "docusign",
    "zendesk",
    "salesforce",
    "lucid",
    "airtable",
    "one-password",
    "pagerduty",
    "datadog",
    "sentry",
    "snowflake",
    "gitlab",
]
API = [
    "stripe",
    "twilio",
    "cloudflare",
    "mailgun",
    "algolia",
    "contentful",
    "segment",
    "amplitude",
    "hubspot",
    "intercom",
]
EXPORTED_BY_HAND = [
    "canteen",
    "payroll",
    "travel-desk",
    "expense-box",
    "door-badges",
    "parking-garage",
    "shift-planner",
    "print-shop",
    "legal-archive",
    "bank-portal",
    "customs-portal",
    "trade-register",
]
BY_HAND = [
    "accounting-suite",
    "ad-manager",
    "app-store-console",
    "appointment-book",
    "asset-register",
    "audience-survey",
    "barcode-printing",
    "benefits-portal",
    "board-papers",
    "brand-library",
    "budget-model",
    "building-control",
    "call-recording",
    "car-pool",
    "carrier-portal",
    "cash-register",
    "city-permits",
    "cleaning-rota",
    "coffee-account",
    "company-cards",
    "conference-hall",
    "contract-vault",
    "courier-portal",
    "credit-checks",
    "cyber-insurance",
    "data-room",
    "dealer-portal",
    "dental-plan",
    "domain-registrar",
    "drone-log",
    "e-invoicing",
    "energy-meter",
    "event-tickets",
    "export-control",
    "fax-gateway",
    "fire-alarm",
    "fleet-tracker",
    "food-labels",
    "freight-exchange",
    "gift-cards",
    "grant-office",
    "guest-wifi",
    "gym-membership",
    "health-records",
    "helpdesk-phone",
    "hotel-rates",
    "import-duties",
    "job-boards",
    "key-cabinet",
    "lab-notebook",
    "language-school",
    "library-loans",
    "mail-room",
    "medical-checks",
    "meeting-screens",
    "music-licence",
    "news-archive",
    "office-plants",
    "patent-search",
    "pension-fund",
    "photo-stock",
    "press-list",
    "queue-display",
    "recycling-portal",
]
FIRST = [
    "Ada",
    "Ben",
    "Cleo",
    "Dan",
    "Eva",
    "Finn",
    "Gina",
    "Hugo",
    "Iris",
    "Jan",
    "Kira",
    "Leo",
    "Mona",
    "Nils",
    "Olga",
    "Paul",
    "Rosa",
    "Sven",
    "Tara",
    "Udo",
]
LAST = [
    "Abel",
    "Brandt",
    "Costa",
    "Dietz",
    "Ekman",
    "Frank",
    "Gruber",
    "Hahn",
    "Ito",
    "Jonas",
    "Keller",
    "Lang",
    "Moreau",
    "Novak",
    "Otto",
]
DEPARTMENTS = _words(
    """
    Engineering Sales Finance Operations People
    """
)
LEFT = 7
STRANGERS = ("old-agency", "test", "scanner", "trainee-2023")


def main() -> int:
    """Write every file, into the folder that is named or the script's own."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for name, text in files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return 0


def files() -> Iterator[tuple[str, str]]:
    """Yield each file's name and text."""
    luck = random.Random(106)  # the same company every time
    people = list(_people(luck))
    owners = [one["id"] for one in people if not one["last_day"]]
    yield "reconciler.yaml", _settings()
    yield "hr.csv", _table(("id", "name", "email", "department", "last_day"), [list(one.values()) for one in people])
    yield "people.yaml", "\n".join(["people:", *map(_person, people), ""])
    yield "apps/scim.yaml", _apps(SCIM_HEAD, [_scim(app, luck.choice(owners)) for app in SCIM])
    yield "apps/api.yaml", _apps(API_HEAD, [_api(app, luck.choice(owners)) for app in API])
    by_hand = [_exported(app, luck.choice(owners)) for app in EXPORTED_BY_HAND]
    by_hand += [f"  {app}: {{owner: {luck.choice(owners)}}}" for app in BY_HAND]
    yield "apps/people.yaml", _apps(HAND_HEAD, by_hand)
    for app in API:
        users = [dict(zip(("id", "email", "state"), row, strict=True)) for row in _accounts(people, luck)]
        yield f"exports/{app}.json", json.dumps({"exported": EXPORTED, "users": users}, indent=1) + "\n"
    for app in EXPORTED_BY_HAND:
        rows = [[*row, EXPORTED] for row in _accounts(people, luck)]
        yield f"exports/{app}.csv", _table(("Id", "Mail", "State", "Exported"), rows)


def _people(luck: random.Random) -> Iterator[dict[str, str]]:
    names = luck.sample([f"{first} {last}" for first in FIRST for last in LAST], 100)
    for number, name in enumerate(names):
        one = name.lower().replace(" ", "-")
        left = date(2026, 1, 31) - timedelta(days=29 * number) if number < LEFT else ""
        email = f"{one.replace('-', '.')}@acme.example"
        yield {"id": one, "name": name, "email": email, "department": luck.choice(DEPARTMENTS), "last_day": str(left)}


def _person(one: dict[str, str]) -> str:
    left = f", last_day: {one['last_day']}" if one["last_day"] else ""
    return f"  {one['id']}: {{name: {one['name']}, email: {one['email']}, department: {one['department']}{left}}}"


def _accounts(people: list[dict[str, str]], luck: random.Random) -> Iterator[list[str]]:
    """Yield (id, email, state) of some people, of a leaver now and then, and of somebody whom nobody knows."""
    chosen = luck.sample(people[LEFT:], luck.randint(6, 14)) + luck.sample(people[:LEFT], luck.choice([0, 0, 1, 2]))
    for number, one in enumerate(chosen, start=1001):
        yield [str(number), one["email"], "suspended" if luck.random() < 1 / 20 else "active"]
    if luck.random() < 1 / 3:
        yield ["9001", f"{luck.choice(STRANGERS)}@agency.example", "active"]


def _table(header: tuple[str, ...], rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def _settings() -> str:
    tokens = ", ".join(map(_token, SCIM))
    return f"organization: Acme\ntimezone: Europe/Berlin\nsecrets:\n  env: [{tokens}]\n"


def _token(app: str) -> str:
    return f"{app.upper().replace('-', '_')}_TOKEN"


def _apps(head: str, lines: list[str]) -> str:
    return "\n".join([*(f"# {line}" for line in head.strip().splitlines()), "apps:", *lines, ""])


SCIM_HEAD = (
    "Apps with SCIM: accounts and groups are changed by themselves. Observed only, until somebody trusts the plan."
)
API_HEAD = (
    "Apps with an API and no provider yet: a nightly script of theirs leaves a file, and a person makes the changes."
)
HAND_HEAD = """
Apps that only their owner can change: by tickets. Where the owner uploads an export now and then, it is compared.
Without one, what closed tickets attest is all that is known.
"""


def _scim(app: str, owner: str) -> str:
    way = f"scim: {{url: 'https://{app}.example/scim/v2', token: {{env: {_token(app)}}}}}"
    return f"  {app}:\n    owner: {owner}\n    manage: observe\n    route:\n      - {way}"


def _api(app: str, owner: str) -> str:
    told = f"records: users, complete: true, exported_at: '{EXPORTED}'"
    return _file(app, owner, f"path: exports/{app}.json, {told}, columns: {{id: id, email: email, status: state}}")


def _exported(app: str, owner: str) -> str:
    columns = "columns: {id: Id, email: Mail, status: State}"
    return _file(app, owner, f"path: exports/{app}.csv, complete: true, exported_at: {{column: Exported}}, {columns}")


def _file(app: str, owner: str, config: str) -> str:
    shown = f"file: {{{config}}}"
    return f"  {app}:\n    owner: {owner}\n    manage: observe\n    route:\n      - {shown}"


if __name__ == "__main__":
    raise SystemExit(main())
