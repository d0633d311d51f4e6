"""A stateful IAM Identity Center: a directory, AWS accounts, and assignments that take their time.

Built from AWS's service models and pages: names are unique, pages have tokens and may be empty, an assignment is done
in the background and provisions its permission set, one AWS account works on one assignment at a time, ten may be
outstanding, and the assignments of a deleted user stay behind.
"""

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aws_protocol import RefusedError, speak
from support.http_server import Reply, Request

INSTANCE = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
STORE = "d-1234567890"
ASSIGNMENT = ("TargetId", "PermissionSetArn", "PrincipalType", "PrincipalId")
OUTSTANDING = 10

Assignment = tuple[str, str, str, str]


@dataclass(slots=True)
class Job:
    """An assignment at work.

    Attributes:
        steps: requests (of whomever) until it is done: the fake's time.
    """

    id: str
    adds: bool
    assignment: Assignment
    steps: int
    status: str = "IN_PROGRESS"
    reason: str = ""


@dataclass(slots=True)
class FakeIdentityCenter:
    """The data, and the faults that are on.

    Attributes:
        page: the most that one page lists.
        slow: how many requests an assignment takes to be done.
        forbidden: operations that are refused.
        throttled: how many requests are refused as too many.
        told: the seconds that throttling names, or None.
        refusing: the words with which every write is refused, or empty.
        losing: whether the next write is done and not answered.
        failing: the reason for which the next assignment fails in the background, or empty.
        conflicts: how many assignments are refused as conflicting.
        empty_page: whether the first page of AWS accounts is empty.
        after_list: what happens once the groups have been listed.
    """

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    members: dict[str, tuple[str, str]] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    assigned: set[Assignment] = field(default_factory=set)
    jobs: dict[str, Job] = field(default_factory=dict)
    page: int = 100
    slow: int = 3
    forbidden: set[str] = field(default_factory=set)
    throttled: int = 0
    told: int | None = 1
    at_once: int = 0
    refusing: str = ""
    losing: bool = False
    failing: str = ""
    conflicts: int = 0
    empty_page: bool = False
    after_list: Callable[[], None] = lambda: None
    log: list[str] = field(default_factory=list)
    most_outstanding: int = 0
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def id(self) -> str:
        """Return a new id, as the store makes them."""
        return f"00000000-0000-4000-8000-{next(self.numbers):012}"

    def add_user(self, username: str, email: str = "", *, disabled: bool = False, external_id: str = "") -> str:
        """Add a user and return the id."""
        number = self.id()
        user: dict[str, Any] = {"UserName": username, "UserStatus": "DISABLED" if disabled else "ENABLED"}
        user |= {"Emails": [{"Value": email, "Type": "work", "Primary": True}]} if email else {}
        user |= {"ExternalIds": [{"Issuer": "https://idp.example", "Id": external_id}]} if external_id else {}
        self.users[number] = user
        return number

    def add_group(self, name: str) -> str:
        """Add a group and return its id."""
        number = self.id()
        self.groups[number] = name
        return number

    def add_account(self, name: str) -> str:
        """Add an AWS account to the organization and return its id."""
        number = f"{next(self.numbers):012}"
        self.accounts[number] = name
        return number

    def add_set(self, name: str) -> str:
        """Add a permission set and return its ARN."""
        arn = f"arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-{next(self.numbers):016}"
        self.sets[arn] = name
        return arn

    def drop_user(self, number: str) -> None:
        """Delete a user: memberships go, assignments stay behind."""
        self.users.pop(number, None)
        self.members = {key: pair for key, pair in self.members.items() if pair[1] != number}

    def answer(self, request: Request) -> Reply:
        """Answer a request, with whatever fault is on; every request lets a little time pass."""
        for job in self.jobs.values():
            self._work(job)
        lost = False

        def run(operation: str, body: dict[str, Any]) -> dict[str, Any]:
            nonlocal lost
            self.log.append(operation)
            self._trouble(operation)
            do: Callable[[dict[str, Any]], dict[str, Any]] = getattr(self, f"do_{operation}")
            result = do(body)
            if self.losing and not operation.startswith(("List", "Describe", "Get")):
                lost, self.losing = True, False
            return result

        reply = speak(request, run)
        return Reply(reset=True) if lost else reply

    def _trouble(self, operation: str) -> None:
        if self.throttled:
            self.throttled -= 1
            more = {} if self.told is None else {"RetryAfterSeconds": self.told}
            raise RefusedError("ThrottlingException", "Rate exceeded", **more)
        if self.at_once and operation.startswith(("Create", "Update", "Delete")):
            self.at_once -= 1
            words = "The requested resource was being concurrently modified by another request."
            raise RefusedError("ConflictException", words, Reason="CONCURRENT_MODIFICATION")
        if operation in self.forbidden:
            raise RefusedError("AccessDeniedException", f"not authorized to perform: {operation}")
        if self.refusing and not operation.startswith(("List", "Describe", "Get")):
            raise RefusedError("AccessDeniedException", self.refusing)

    def _work(self, job: Job) -> None:
        """Let a job go on by one step, and end it when its time has come."""
        if job.status != "IN_PROGRESS":
            return
        job.steps -= 1
        if job.steps > 0:
            return
        account, arn, kind, principal = job.assignment
        known = principal in (self.users if kind == "USER" else self.groups)
        if job.reason or (job.adds and not known):
            job.status, job.reason = "FAILED", job.reason or f"{kind} {principal} does not exist"
            return
        job.status = "SUCCEEDED"
        (self.assigned.add if job.adds else self.assigned.discard)((account, arn, kind, principal))

    def _page(self, body: dict[str, Any], key: str, items: list[Any], most: int = 100) -> dict[str, Any]:
        size = min(body.get("MaxResults", most), self.page)
        start = int(body.get("NextToken", "token-0").removeprefix("token-"))
        found: dict[str, Any] = {key: items[start : start + size]}
        if start + size < len(items):
            found["NextToken"] = f"token-{start + size}"
        return found

    def _user(self, number: str) -> dict[str, Any]:
        if number not in self.users:
            raise RefusedError("ResourceNotFoundException", "USER not found.", ResourceType="USER")
        told = {"IdentityStoreId": STORE, "UserId": number, "Revision": "1"}
        return {**self.users[number], **told, "UserArn": f"arn:aws:identitystore:::user/{number}"}

    def _group(self, number: str) -> dict[str, Any]:
        if number not in self.groups:
            raise RefusedError("ResourceNotFoundException", "GROUP not found.", ResourceType="GROUP")
        told = {"IdentityStoreId": STORE, "Revision": "1", "GroupArn": f"arn:aws:identitystore:::group/{number}"}
        return {"GroupId": number, "DisplayName": self.groups[number], **told}

    def do_ListInstances(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's own name
        """See the service's reference, as all that follow."""
        return self._page(body, "Instances", [{"InstanceArn": INSTANCE, "IdentityStoreId": STORE, "Status": "ACTIVE"}])

    def do_ListUsers(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        return self._page(body, "Users", [self._user(number) for number in self.users])

    def do_DescribeUser(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        return self._user(body["UserId"])

    def do_GetUserId(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        unique = body["AlternateIdentifier"]["UniqueAttribute"]
        assert unique["AttributePath"] == "userName"
        for number, user in self.users.items():
            if user["UserName"].lower() == unique["AttributeValue"].lower():
                return {"UserId": number, "IdentityStoreId": STORE}
        raise RefusedError("ResourceNotFoundException", "USER not found.", ResourceType="USER")

    def do_CreateUser(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        for key in ("UserName", "DisplayName", "Name"):
            if not body.get(key):
                raise RefusedError("ValidationException", f"{key} is required")
        emails = {each["Value"].lower() for each in body.get("Emails", [])}
        for user in self.users.values():
            taken = user["UserName"].lower() == body["UserName"].lower()
            if taken or emails & {each["Value"].lower() for each in user.get("Emails", [])}:
                reason = {"Reason": "UNIQUENESS_CONSTRAINT_VIOLATION"}
                raise RefusedError("ConflictException", "Duplicate UserName" if taken else "Duplicate email", **reason)
        number = self.id()
        self.users[number] = {key: value for key, value in body.items() if key != "IdentityStoreId"}
        self.users[number]["UserStatus"] = "ENABLED"
        return {"UserId": number, "IdentityStoreId": STORE}

    def do_UpdateUser(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        self._user(body["UserId"])
        user = self.users[body["UserId"]]
        for operation in body["Operations"]:
            *above, last = [part[0].upper() + part[1:] for part in operation["AttributePath"].split(".")]
            place = user
            for part in above:
                place = place.setdefault(part, {})
            if operation.get("AttributeValue") is None:
                place.pop(last, None)
            else:
                place[last] = operation["AttributeValue"]
        return {"UserId": body["UserId"], "IdentityStoreId": STORE}

    def do_DeleteUser(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        self._user(body["UserId"])
        self.drop_user(body["UserId"])
        return {}

    def do_ListGroups(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        found = self._page(body, "Groups", [self._group(number) for number in self.groups])
        if "NextToken" not in found:
            self.after_list()
        return found

    def do_GetGroupId(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        wanted = body["AlternateIdentifier"]["UniqueAttribute"]["AttributeValue"]
        for number, name in self.groups.items():
            if name == wanted:
                return {"GroupId": number, "IdentityStoreId": STORE}
        raise RefusedError("ResourceNotFoundException", "GROUP not found.", ResourceType="GROUP")

    def do_CreateGroup(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        self._expect_free(body["DisplayName"])
        return {"GroupId": self.add_group(body["DisplayName"]), "IdentityStoreId": STORE}

    def do_UpdateGroup(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        self._group(body["GroupId"])
        for operation in body["Operations"]:
            assert operation["AttributePath"] == "displayName"
            self._expect_free(operation["AttributeValue"], body["GroupId"])
            self.groups[body["GroupId"]] = operation["AttributeValue"]
        return {"GroupId": body["GroupId"], "IdentityStoreId": STORE}

    def _expect_free(self, name: str, own: str = "") -> None:
        if any(other == name and number != own for number, other in self.groups.items()):
            reason = {"Reason": "UNIQUENESS_CONSTRAINT_VIOLATION"}
            raise RefusedError("ConflictException", "Duplicate GroupDisplayName", **reason)

    def _membership(self, number: str) -> dict[str, Any]:
        group, user = self.members[number]
        told = {"IdentityStoreId": STORE, "MembershipArn": f"arn:aws:identitystore:::membership/{number}"}
        return {"MembershipId": number, "GroupId": group, "MemberId": {"UserId": user}, **told}

    def do_ListGroupMemberships(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        self._group(body["GroupId"])
        found = [self._membership(key) for key, pair in self.members.items() if pair[0] == body["GroupId"]]
        return self._page(body, "GroupMemberships", found)

    def do_GetGroupMembershipId(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        for number, pair in self.members.items():
            if pair == (body["GroupId"], body["MemberId"]["UserId"]):
                return {"MembershipId": number, "IdentityStoreId": STORE}
        raise RefusedError("ResourceNotFoundException", "MEMBERSHIP not found.")

    def do_CreateGroupMembership(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        pair = (body["GroupId"], body["MemberId"]["UserId"])
        self._group(pair[0])
        self._user(pair[1])
        if pair in self.members.values():
            reason = {"Reason": "UNIQUENESS_CONSTRAINT_VIOLATION"}
            raise RefusedError("ConflictException", "Member and Group relationship already exists.", **reason)
        number = self.id()
        self.members[number] = pair
        return {"MembershipId": number, "IdentityStoreId": STORE}

    def do_DeleteGroupMembership(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        if self.members.pop(body["MembershipId"], None) is None:
            raise RefusedError("ResourceNotFoundException", "MEMBERSHIP not found.")
        return {}

    def do_ListAccounts(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        if self.empty_page and "NextToken" not in body:
            return {"Accounts": [], "NextToken": "token-0"}
        listed = [{"Id": number, "Name": name, "State": "ACTIVE"} for number, name in self.accounts.items()]
        return self._page(body, "Accounts", listed, 20)

    def do_ListPermissionSets(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        return self._page(body, "PermissionSets", list(self.sets))

    def do_DescribePermissionSet(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        arn = body["PermissionSetArn"]
        if arn not in self.sets:
            raise RefusedError("ResourceNotFoundException", "PermissionSet not found.")
        return {"PermissionSet": {"PermissionSetArn": arn, "Name": self.sets[arn]}}

    def do_ListAccountsForProvisionedPermissionSet(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        found = {each[0]: 1 for each in sorted(self.assigned) if each[1] == body["PermissionSetArn"]}
        return self._page(body, "AccountIds", list(found))

    def do_ListPermissionSetsProvisionedToAccount(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        found = {each[1]: 1 for each in sorted(self.assigned) if each[0] == body["AccountId"]}
        return self._page(body, "PermissionSets", list(found))

    def do_ListAccountAssignments(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        wanted = (body["AccountId"], body["PermissionSetArn"])
        keys = ("AccountId", *ASSIGNMENT[1:])
        found = [dict(zip(keys, each, strict=True)) for each in sorted(self.assigned) if each[:2] == wanted]
        return self._page(body, "AccountAssignments", found)

    def do_CreateAccountAssignment(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        return {"AccountAssignmentCreationStatus": self._start(body, adds=True)}

    def do_DeleteAccountAssignment(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        if tuple(body[key] for key in ASSIGNMENT) not in self.assigned:
            raise RefusedError("ResourceNotFoundException", "Assignment not found.")
        return {"AccountAssignmentDeletionStatus": self._start(body, adds=False)}

    def _start(self, body: dict[str, Any], *, adds: bool) -> dict[str, Any]:
        account, arn, kind, principal = (str(body[key]) for key in ASSIGNMENT)
        if account not in self.accounts or arn not in self.sets:
            raise RefusedError("ResourceNotFoundException", "Account or PermissionSet not found.")
        busy = Counter(job.assignment[0] for job in self.jobs.values() if job.status == "IN_PROGRESS")
        if self.conflicts or busy[account]:
            self.conflicts = max(0, self.conflicts - 1)
            raise RefusedError("ConflictException", "There is a conflicting operation in process.")
        assert sum(busy.values()) < OUTSTANDING, "more than ten assignments are outstanding"
        job = Job(self.id(), adds, (account, arn, kind, principal), self.slow, reason=self.failing)
        self.failing = ""
        self.jobs[job.id] = job
        self.most_outstanding = max(self.most_outstanding, sum(busy.values()) + 1)
        return self._status(job)

    def _status(self, job: Job) -> dict[str, Any]:
        told = {"Status": job.status, "RequestId": job.id, "TargetType": "AWS_ACCOUNT"}
        reason = {"FailureReason": job.reason} if job.status == "FAILED" else {}
        return told | dict(zip(ASSIGNMENT, job.assignment, strict=True)) | reason

    def do_DescribeAccountAssignmentCreationStatus(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        job = self.jobs[body["AccountAssignmentCreationRequestId"]]
        return {"AccountAssignmentCreationStatus": self._status(job)}

    def do_DescribeAccountAssignmentDeletionStatus(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: D102, N802
        job = self.jobs[body["AccountAssignmentDeletionRequestId"]]
        return {"AccountAssignmentDeletionStatus": self._status(job)}
