"""The provider against moto's imitation of AWS: another's idea of the same protocol.

moto does assignments at once, does not provision by assigning, and takes a duplicate; what it cannot show is tested on
the fake beside.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from aws_driving import grant, on_account, on_group, open_provider
from aws_protocol import ACCESS_KEY, SECRET_KEY
from moto.server import ThreadedMotoServer

from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import Snapshot

pytestmark = [
    pytest.mark.evidence("aws", against="third party's server", of="moto 5"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore"),
]


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Moto's server, on a free port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Company:
    """An organization in moto, seen with boto3."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.center, self.store, organizations = (
            boto3.client(
                name,
                region_name="eu-central-1",
                endpoint_url=url,
                aws_access_key_id=ACCESS_KEY,
                aws_secret_access_key=SECRET_KEY,
            )
            for name in ("sso-admin", "identitystore", "organizations")
        )
        organizations.create_organization(FeatureSet="ALL")
        (self.account,) = [each["Id"] for each in organizations.list_accounts()["Accounts"]]
        (instance,) = self.center.list_instances()["Instances"]
        self.arn, self.store_id = instance["InstanceArn"], instance["IdentityStoreId"]
        made = self.center.create_permission_set(InstanceArn=self.arn, Name="Admin")
        self.set = made["PermissionSet"]["PermissionSetArn"]
        whole = {"InstanceArn": self.arn, "PermissionSetArn": self.set, "TargetType": "AWS_ACCOUNT"}
        self.center.provision_permission_set(**whole, TargetId=self.account)

    def assignments(self) -> list[tuple[str, str]]:
        """Return who is assigned the permission set."""
        found = self.center.list_account_assignments(
            InstanceArn=self.arn, AccountId=self.account, PermissionSetArn=self.set
        )
        return [(each["PrincipalType"], each["PrincipalId"]) for each in found["AccountAssignments"]]

    def do(self, change: Change) -> Receipt:
        """Perform a change."""

        async def run() -> Receipt:
            async with open_provider(self.url) as provider:
                return await provider.perform(change)

        return asyncio.run(run())

    def read(self) -> Snapshot:
        """Read with the provider."""

        async def run() -> Snapshot:
            async with open_provider(self.url) as provider:
                return await provider.read()

        return asyncio.run(run())


@pytest.fixture
def company(moto: str) -> Iterator[Company]:
    """An organization of its own."""
    yield Company(moto)
    httpx.post(f"{moto}/moto-api/reset").raise_for_status()


def test_a_life_in_moto(company: Company) -> None:
    """A user and a group are made, joined, assigned, read, taken away again, twice each, and deleted."""
    after: dict[str, Any] = {"username": "ana", "email": "ana@acme.example", "person.name": "Ana Ruiz"}
    made = company.do(on_account(Operation.CREATE_ACCOUNT, "ana", after=after))
    again = company.do(on_account(Operation.CREATE_ACCOUNT, "ana", after=after))
    group = company.do(on_group(Operation.CREATE_ENTITLEMENT, "group:ops"))
    assert [each.outcome for each in (made, again, group)] == [Outcome.DONE] * 3, [made, again, group]
    assert again.remote_id == made.remote_id
    snapshot = company.read()
    assert all(each.complete for each in snapshot.collections.values())
    key = next(each for each in snapshot.entitlements if each.key.startswith("account:"))
    changes = [
        grant(made.remote_id, "group:ops", group.remote_id),
        grant(made.remote_id, key.key, key.remote_id),
        grant("group:ops", key.key, key.remote_id, holder_entitlement_id=group.remote_id),
    ]
    for change in changes:
        assert company.do(change).outcome is Outcome.DONE, change
    assert sorted(company.assignments()) == [("GROUP", group.remote_id), ("USER", made.remote_id)]
    held = {(made.remote_id, "group:ops", None), (made.remote_id, key.key, None), ("group:ops", key.key, None)}
    assert set(company.read().grants()) == held
    for change in changes:
        gone = Change(
            "acme",
            Operation.REVOKE,
            change.item,
            "aws",
            account_id=change.account_id,
            entitlement_id=change.entitlement_id,
            holder_entitlement_id=change.holder_entitlement_id,
        )
        assert [company.do(gone).outcome for _ in range(2)] == [Outcome.DONE] * 2, gone
    assert not list(company.read().grants())
    deleted = on_account(Operation.DELETE_ACCOUNT, "ana", made.remote_id)
    assert [company.do(deleted).outcome for _ in range(2)] == [Outcome.DONE] * 2
    assert not company.read().accounts
