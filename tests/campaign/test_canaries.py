"""Planted secrets travel through everything that the tool does, and are seen nowhere but in the requests."""

import base64
from collections.abc import Iterator

import pytest
from launching import CANARY, Ended
from proxy import Exchange, Fault
from scene import Company

from reconciler.cli.exits import Exit

UNUSED = "of-another-app-77c0ffee91"
OUTSIDE = {"OTHER_APP_TOKEN": UNUSED}


def forms(secret: str) -> Iterator[bytes]:
    """Yield a secret as it stands, in base64 and reversed, as an encoding could leave it."""
    yield secret.encode()
    yield base64.b64encode(secret.encode()).rstrip(b"=")
    yield base64.b64encode(b":" + secret.encode())[2:-4]


def assert_unseen(company: Company, *ended: Ended) -> None:
    """Look into everything that was written or said."""
    said = {f"output {number}": (each.out + each.err).encode() for number, each in enumerate(ended)}
    files = [path for path in company.folder.rglob("*") if path.is_file() and "secrets" not in path.parts]
    written = {str(path.relative_to(company.folder)): path.read_bytes() for path in files}
    assert any("state.db" in name for name in written)
    for name, content in {**said, **written}.items():
        for secret in (CANARY, UNUSED):
            assert not [form for form in forms(secret) if form in content], f"{secret} is in {name}"


def run(company: Company, *arguments: str, **wounds: object) -> Ended:
    """Run a command at its most verbose, with a secret in the environment that no app may use."""
    return company.run(*arguments, "--verbose", env=OUTSIDE, **wounds)


def everything(company: Company) -> list[Ended]:
    """Run what reads, plans, applies and shows."""
    return [
        run(company, "plan", "--out", "plan.json"),
        run(company, "plan", "--json"),
        run(company, "plan", "--markdown"),
        run(company, "show", "plan.json"),
        run(company, "apply", "plan.json"),
        run(company, "apply", "--yes", "--json"),
        run(company, "drift"),
        run(company, "tickets"),
        run(company, "explain", "ana"),
        run(company, "state", "show", "hub"),
        run(company, "providers", "--app", "hub"),
    ]


def refuse_with_the_token(exchange: Exchange) -> None:
    """Answer as careless vendors do: with the request's own credentials in the error."""
    token = exchange.incoming.headers.get("authorization", "")
    body = f'{{"status": "400", "detail": "bad request: {{Authorization: {token}}}", "scimType": "invalidValue"}}'
    exchange.answer((400, {"Content-Type": "application/scim+json"}, body.encode()))


def test_a_whole_run_shows_no_secret(company: Company) -> None:
    """Plans, tickets, the state, the journal and all output; from the environment and from a file."""
    company.write("secrets/token", CANARY + "\n")
    company.replace("apps/apps.yaml", "{env: SCIM_TOKEN}", "{file: secrets/token}")
    ended = everything(company)
    assert ended[4].code == Exit.DONE, ended[4]
    assert_unseen(company, *ended)


@pytest.mark.parametrize(
    "operation", ["create account", "update", "suspend", "grant", "revoke", "create group", "read users"]
)
def test_what_an_app_says_of_our_token_is_not_repeated(company: Company, operation: str) -> None:
    """In a refusal of any operation, which goes to the terminal, the report and the journal."""
    company.proxy.set(Fault("echo", refuse_with_the_token, times=0), operation)
    ended = [run(company, "plan"), run(company, "apply", "--yes"), run(company, "apply", "--yes", "--json")]
    assert company.proxy.strike
    assert company.proxy.strike.struck
    assert "bad request" in "".join(each.out + each.err for each in ended)
    assert_unseen(company, *ended)


def test_a_revoked_token_is_not_repeated(company: Company) -> None:
    """The server says which token it does not know."""
    ended = run(company, "apply", "--yes")
    assert ended.code == Exit.DONE
    company.server.habits.before = lambda request: (_ for _ in ()).throw(unknown_token(request))
    ended = run(company, "plan")
    assert ended.code == Exit.UNREAD
    assert "no such token" in ended.out
    assert_unseen(company, ended)


def unknown_token(request: object) -> Exception:
    """Return the server's refusal, token and all."""
    from faulty_store import ScimError  # noqa: PLC0415 - beside its one use

    headers = getattr(request, "headers", {})
    return ScimError(401, f"no such token: {headers.get('authorization')}")


@pytest.mark.parametrize(
    "place",
    [
        "providers.scim.provider:ScimProvider.read",
        "providers.scim.provider:ScimProvider.perform",
        "providers.scim.provider:ScimProvider.perform_batch",
        "reconciler.run.applying:execute",
        "reconciler.run.planning:build_plan",
        "reconciler.render.report:render_report",
    ],
)
def test_a_fault_of_the_tool_shows_no_secret(company: Company, place: str) -> None:
    """Tracebacks, with the secret in the exception's own words, at the edge of a provider and of the command."""
    broken = {place: f"raise cannot send with {CANARY}"}
    ended = [run(company, "plan", replace=broken), run(company, "apply", "--yes", replace=broken)]
    assert "RuntimeError" in "".join(each.out + each.err for each in ended)
    assert_unseen(company, *ended)


def test_the_scan_finds_what_is_there(company: Company) -> None:
    """The other tests here could not tell a clean run from a blind scan."""
    run(company, "apply", "--yes")
    assert_unseen(company)
    for leak in (
        CANARY,
        base64.b64encode(CANARY.encode()).decode(),
        base64.b64encode(f"me:{CANARY}".encode()).decode(),
    ):
        company.write("leak.txt", f"x {leak} y")
        with pytest.raises(AssertionError, match=r"is in leak\.txt"):
            assert_unseen(company)
    (company.folder / "leak.txt").unlink()
