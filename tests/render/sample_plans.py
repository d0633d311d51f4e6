"""Plans made by hand that together show every kind of row."""

from datetime import UTC, datetime, timedelta, timezone

from reconciler.items import AccountItem, EntitlementItem, GrantItem
from reconciler.plan.plan import (
    AppPlan,
    Counts,
    Fact,
    Finding,
    Plan,
    Scope,
    TicketCancellation,
    Verdict,
)
from reconciler.problems import Place
from reconciler.provider.change import Cause, Change, Operation, Why
from reconciler.provider.snapshot import Completeness
from reconciler.state.contract import Adoption, AppliedAccount

MOMENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DIGEST = "3f2c1a9be07d4415aa01c2e8f6d9b3470a5e6c8d7f1029384756abcdef012345"


def design_plan() -> Plan:
    """Return the plan of the project's first picture: two apps, six rows."""
    slack = AppPlan(
        "slack",
        ways=("scim 0.1.0", "slack 0.1.0", "ticket 0.1.0"),
        requests=298,
        seconds=2.1,
        owner="lee",
        counts=Counts(declared_accounts=20, declared_grants=80),
        changes=(
            Change(
                "slack",
                Operation.CREATE_ACCOUNT,
                AccountItem("ana"),
                "scim",
                after={"email": "ana@acme.example", "person.name": "Ana Ruiz"},
                why=(Why("", Place("people.yaml", 3)),),
            ),
            Change(
                "slack",
                Operation.GRANT,
                GrantItem("ana", "channel:eng"),
                "slack",
                why=(Why("role engineer, because group engineering", Place("roles.yaml", 4)),),
            ),
            Change(
                "slack",
                Operation.GRANT,
                GrantItem("ana", "license:pro"),
                "ticket",
                why=(Why("role engineer, because group engineering", Place("roles.yaml", 5)),),
            ),
        ),
    )
    github = AppPlan(
        "github",
        ways=("github 0.1.0",),
        requests=14,
        seconds=0.4,
        counts=Counts(declared_accounts=22, declared_grants=61),
        changes=(
            Change(
                "github",
                Operation.REVOKE,
                GrantItem("sam", "team:platform"),
                "github",
                cause=Cause.REMOVED,
                why=(Why("", Place("groups.yaml", 4)),),
            ),
            Change(
                "github",
                Operation.SET_LEVEL,
                GrantItem("kim", "repo:web"),
                "github",
                before={"level": "admin"},
                after={"level": "write"},
                cause=Cause.DRIFTED,
                why=(Why("grant", Place("grants.yaml", 12)),),
            ),
        ),
        findings=(Finding(Fact.UNMANAGED, AccountItem("@old-bot"), "never declared here; left alone"),),
    )
    return Plan(
        tool="0.1.0",
        moment=MOMENT,
        tree_digest="ab" * 32,
        apps=(slack, github),
        verdicts=(
            Verdict("removals_per_app", "github", refused=False, text="1 of 5 removals"),
            Verdict("removals_per_app", "slack", refused=False, text="0 of 5 removals"),
        ),
        digest=DIGEST,
    )


def _leaver_changes() -> tuple[Change, ...]:
    why = (Why("last day 2026-02-28", Place("people.yaml", 41)),)
    account = AccountItem("lea")
    common = {"cause": Cause.LEAVER, "why": why, "account_id": "u-17", "username": "lea@acme.example"}
    return (
        Change("jira", Operation.END_SESSIONS, account, "scim", **common),
        Change("jira", Operation.SUSPEND_ACCOUNT, account, "scim", before={"status": "active"}, **common),
        Change("jira", Operation.TRANSFER_FILES, account, "ticket", after={"to": "omar"}, **common),
        Change("jira", Operation.REMOVE_LICENSES, account, "scim", **common),
        Change(
            "jira",
            Operation.REVOKE,
            GrantItem("lea", "role:admin"),
            "scim",
            before={"level": "global"},
            privileged=True,
            **common,
        ),
    )


def _jira() -> AppPlan:
    two = (
        Why("role developer, because group engineering", Place("roles/engineering.yaml", 14)),
        Why("grant: migration of the design system (IT-412)", Place("grants.yaml", 7)),
    )
    changes = (
        *_leaver_changes(),
        Change(
            "jira",
            Operation.DELETE_ACCOUNT,
            AccountItem("old"),
            "scim",
            username="old@acme.example",
            cause=Cause.DUE,
            why=(Why("suspended 2026-01-20, deleted after 30d", Place("apps/jira.yaml", 9)),),
        ),
        Change(
            "jira",
            Operation.REACTIVATE_ACCOUNT,
            AccountItem("rae"),
            "scim",
            username="rae@acme.example",
            cause=Cause.EDITED,
            why=(Why("here again since 2026-03-01", Place("people.yaml", 77)),),
        ),
        Change(
            "jira",
            Operation.UPDATE_ACCOUNT,
            AccountItem("kim"),
            "scim",
            before={"title": "Developer", "displayName": "", "groups": ("a", "b"), "note": "same"},
            after={"title": "Lead", "displayName": "Kim Lee", "groups": ("a",), "note": "same", "bio": "word " * 40},
            cause=Cause.EDITED,
            why=(Why("title", Place("people.yaml", 19)),),
        ),
        Change(
            "jira",
            Operation.CREATE_ENTITLEMENT,
            EntitlementItem("project:WEB"),
            "scim",
            why=(Why("entitlements of jira", Place("apps/jira.yaml", 12)),),
        ),
        Change(
            "jira",
            Operation.RENAME_ENTITLEMENT,
            EntitlementItem("project:CORE"),
            "scim",
            before={"name": "LEGACY"},
            after={"name": "CORE"},
            cause=Cause.EDITED,
            why=(Why("formerly project:LEGACY", Place("apps/jira.yaml", 14)),),
        ),
        Change(
            "jira",
            Operation.UPDATE_ENTITLEMENT,
            EntitlementItem("project:WEB"),
            "scim",
            before={"description": None},
            after={"description": "The web shop"},
            cause=Cause.DRIFTED,
        ),
        Change("jira", Operation.GRANT, GrantItem("kim", "project:WEB"), "scim", after={"level": "developer"}, why=two),
        Change(
            "jira",
            Operation.GRANT,
            GrantItem("team:platform", "repo:web"),
            "scim",
            after={"level": "write"},
            cause=Cause.UNFINISHED,
            why=(Why("grant", Place("grants.yaml", 30)),),
        ),
        Change(
            "jira",
            Operation.REVOKE,
            GrantItem("max", "role:create-vendor"),
            "ticket",
            cause=Cause.EXPIRED,
            why=(Why("until 2026-03-01", Place("grants.yaml", 9)),),
        ),
        Change(
            "jira",
            Operation.GRANT,
            GrantItem("max", "role:approve-payment"),
            "scim",
            privileged=True,
            blocked="never_together pay-yourself: already holds role:create-vendor (policies.yaml:4)",
            why=(Why("role finance", Place("roles.yaml", 40)),),
        ),
    )
    return AppPlan(
        "jira",
        ways=("scim 0.1.0", "ticket 0.1.0"),
        changes=changes,
        findings=_jira_findings(),
        cancellations=(
            TicketCancellation("ticket", "jira/grant/bo/role:viewer", "k1", "tickets/0007.md", "no longer declared"),
        ),
        adoption=Adoption(
            accounts={"ana": AppliedAccount("1"), "omar": AppliedAccount("2")},
            grants=(("ana", "role:viewer", None),),
            gone=(AccountItem("zoe"),),
        ),
        collections={
            "accounts": Completeness(complete=True, why="107 of 107"),
            "grants:team": Completeness(complete=False, why="403 forbidden on page 2"),
            "grants:project": Completeness(complete=True, why="40 of 40", unread=frozenset({"project:SECRET"})),
        },
        counts=Counts(declared_accounts=30, declared_grants=212),
        requests=1204,
        seconds=11.94,
        as_of=MOMENT - timedelta(days=2),
    )


def _jira_findings() -> tuple[Finding, ...]:
    return (
        Finding(
            Fact.CONFLICT,
            AccountItem("sue"),
            "suspended by somebody else; --reactivate sue if that was a mistake",
            Place("people.yaml", 50),
            refuses=True,
        ),
        Finding(Fact.BLOCKED, GrantItem("tom", "team:plattform"), "no such team; did you mean team:platform?"),
        Finding(Fact.PENDING, GrantItem("bea", "license:pro"), "ticket open since 2026-02-20: tickets/0003.md"),
        Finding(Fact.WAITING, AccountItem("ned"), "deleted on 2026-03-20, 30d after suspension"),
        Finding(Fact.RENAMED, AccountItem("ana"), "ana.ruiz@acme.example is now ana@acme.example; followed"),
        Finding(Fact.ADOPTED, GrantItem("omar", "role:admin"), "as declared; pinned", privileged=True),
        Finding(Fact.OBSERVED, GrantItem("kim", "board:7"), "would be revoked; kind board is only observed"),
        Finding(Fact.NOTE, None, "the server has no ETags"),
        Finding(
            Fact.UNMANAGED, GrantItem("@u-99", "role:admin"), "never declared here", privileged=True, fails_drift=True
        ),
        *(Finding(Fact.UNMANAGED, AccountItem(f"@bot-{n:02}"), "never declared here; left alone") for n in range(23)),
    )


def every_row_plan() -> Plan:
    """Return a plan with every operation, fact, cause and verdict."""
    wide = AppPlan(
        "zoom",
        ways=("scim 0.1.0",),
        changes=(
            Change("zoom", Operation.GRANT, GrantItem("李小龙", "频道:工程"), "scim", why=(Why("角色 工程师"),)),
            Change("zoom", Operation.GRANT, GrantItem("jose\u0301", "channel:café"), "scim", why=(Why("role x"),)),
        ),
        requests=1,
        seconds=0.04,
    )
    return Plan(
        tool="0.1.0",
        moment=MOMENT,
        tree_digest="ab" * 32,
        apps=(
            _jira(),
            wide,
            AppPlan("hr", ways=("file 0.1.0",), error="exports/hr.csv:3: no column `email`"),
            AppPlan("figma", ways=("ticket 0.1.0",), counts=Counts(declared_accounts=3)),
            AppPlan("okta", ways=("scim 0.1.0",), requests=12, seconds=0.31),
        ),
        verdicts=(
            Verdict("leavers", "", refused=True, text="4 leavers, 3 allowed"),
            Verdict("protected", "jira", refused=True, text="break-glass is protected", overridable=False),
            Verdict("removals_per_app", "zoom", refused=False, text="1 of 5 removals"),
        ),
        warnings=("people.yaml:12:3: warning: service account ci-bot was to be reviewed by 2026-01-31",),
        digest=DIGEST,
    )


def empty_plan() -> Plan:
    """Return a plan with nothing to do."""
    counts = Counts(declared_accounts=42, declared_grants=313)
    app = AppPlan("slack", ways=("scim 0.1.0",), counts=counts, requests=12, seconds=0.5)
    return Plan(tool="0.1.0", moment=MOMENT, tree_digest="ab" * 32, apps=(app,), digest=DIGEST)


def future_plan() -> Plan:
    """Return a plan of another day, limited to one app and one identity."""
    berlin = timezone(timedelta(hours=2), "CEST")
    design = design_plan()
    return Plan(
        tool="0.1.0",
        moment=datetime(2026, 6, 1, tzinfo=berlin),
        tree_digest="ab" * 32,
        apps=design.apps[1:],
        scope=Scope(apps=("github",), identities=("sam", "kim")),
        future=True,
        digest=DIGEST,
    )


HOSTILE = "\x1b[2J\x1b]0;pwned\x07\n## @everyone [x](https://evil.example) <img src=x> | `y` \u202edecalper\u2066 \x00"


def hostile_plan() -> Plan:
    """Return a plan in which every text from outside is an attack."""
    h = HOSTILE
    why = (Why(h, Place(h, 3)),)
    changes = (
        Change(h, Operation.CREATE_ACCOUNT, AccountItem(h), h, after={"email": h}, why=why),
        Change(h, Operation.SUSPEND_ACCOUNT, AccountItem(h), "ticket", username=h, cause=Cause.LEAVER, why=why),
        Change(h, Operation.UPDATE_ACCOUNT, AccountItem(h), h, before={h: h}, after={h: h + "!"}, why=why),
        Change(h, Operation.GRANT, GrantItem(h, h), h, after={"level": h}, why=why, privileged=True),
        Change(h, Operation.SET_LEVEL, GrantItem(h, h), h, before={"level": h}, after={"level": "x" + h}, why=why),
        Change(h, Operation.RENAME_ENTITLEMENT, EntitlementItem(h), h, before={"name": h}, after={"name": h}, why=why),
        Change(h, Operation.TRANSFER_FILES, AccountItem(h), h, after={"to": h}, why=why, blocked=h),
    )
    app = AppPlan(
        h,
        ways=(h, h),
        changes=changes,
        findings=tuple(Finding(fact, GrantItem(h, h), h, Place(h, 1), why) for fact in Fact),
        cancellations=(TicketCancellation(h, h, h, h, h),),
        collections={h: Completeness(complete=False, why=h, unread=frozenset({h}))},
        error=h,
    )
    return Plan(
        tool=h,
        moment=MOMENT,
        tree_digest="",
        apps=(app,),
        verdicts=(Verdict(h, h, refused=True, text=h), Verdict(h, h, refused=False, text=h)),
        scope=Scope(apps=(h,), identities=(h,)),
        warnings=(h,),
        digest=DIGEST,
    )
