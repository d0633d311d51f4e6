"""Whether credentials that write can be reached from elsewhere than the default branch, as the forge itself tells it.

What a token may not look at is never taken for good: it is told, with the permission that is missing. From the
reference (https://docs.github.com/en/rest/actions/secrets, /deployments/environments and /repos/rules).
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.ci.telling import STATUS
from reconciler.ci.tokens import VARIABLE
from reconciler.errors import AnswerError
from reconciler.forge.github import GitHub
from reconciler.forge.values import BranchRule, Environment

_HIDDEN: Final = frozenset({403, 404})
_LISTED: Final = 5
_RUNNERS: Final = "GITHUB_"
"""So the runner's own variables begin, and no secret may."""


@dataclass(slots=True)
class Reach:
    """What was found.

    Attributes:
        problems: how credentials can be reached from elsewhere, and what to change; nothing may be applied then.
        unseen: what this token may not look at, and what it needs for that.
        advice: what else should be changed.
    """

    problems: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


async def check_reach(forge: GitHub, environment: str, branch: str, names: Collection[str] = ()) -> Reach:
    """Look at everything that keeps credentials to the default branch.

    Args:
        forge: where the repository is.
        environment: the name of the environment that holds them.
        branch: the default branch.
        names: of the secrets that the routes use.
    """
    reach = Reach()

    async def look(what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except AnswerError as error:
            if error.status not in _HIDDEN:
                raise
            reach.unseen.append(f"{what}: {error.hint or 'only who administers the repository may see it'}")

    what = f"who may use the environment {environment}"
    await look(what, lambda: _look_at_environment(forge, environment, branch, reach))
    await look(f"the rules of {branch}", lambda: _look_at_branch(forge, branch, reach))
    wanted = {name for name in names if not name.startswith(_RUNNERS)}
    what = "which secrets every branch can use"
    await look(what, lambda: _look_at_secrets(forge, environment, {*wanted, VARIABLE}, reach))
    if wanted:
        what = f"which secrets the environment {environment} holds"
        await look(what, lambda: _look_for_missing(forge, environment, wanted, reach))
    return reach


async def _look_at_environment(forge: GitHub, name: str, branch: str, reach: Reach) -> None:
    found = await forge.protection.environment(name)
    if found is None:
        reach.problems.append(f"there is no environment {name!r}: make it, and move the credentials into it")
        return
    others = (
        [one for one in await forge.protection.protected_branches() if one != branch]
        if found.protected_branches
        else []
    )
    reach.problems += _open_to(found, branch, others)


def _open_to(environment: Environment, branch: str, others: Sequence[str]) -> list[str]:
    name, limit = environment.name, f"allow only {branch} in its deployment branches"
    if environment.any_branch:
        return [f"every branch can use the environment {name!r}: {limit}"]
    if environment.protected_branches:
        told = ", ".join(others[:_LISTED])
        return [f"other protected branches can use the environment {name!r} ({told}): {limit}"] if others else []
    if environment.patterns != (("branch", branch),):
        told = ", ".join(f"{kind} {pattern}" for kind, pattern in environment.patterns[:_LISTED]) or "nothing"
        return [f"the environment {name!r} is open to {told}: {limit}"]
    return []


async def _look_at_branch(forge: GitHub, branch: str, reach: Reach) -> None:
    rules = await forge.protection.rules(branch)
    approvals = await forge.protection.required_approvals(branch)
    if approvals == 0:
        reach.problems.append(f"anybody who can write may push to {branch} without a review: protect it with a rule")
    elif approvals is None:
        reach.unseen.append(
            f"how many approvals {branch} asks for: its classic protection is shown to administrators only; "
            "protect it with a ruleset instead"
        )
    else:
        reach.advice += _wanting(branch, rules)


def _wanting(branch: str, rules: Sequence[BranchRule]) -> list[str]:
    """Say what the rules of a branch leave open; nothing of a branch that has none (classic protection)."""
    reviews = [rule.parameters for rule in rules if rule.type == "pull_request"]
    if not reviews:
        return []
    checks = {
        str(check.get("context"))
        for rule in rules
        if rule.type == "required_status_checks"
        for check in rule.parameters.get("required_status_checks") or ()
    }
    missing = {
        "dismiss approvals when new commits are pushed": _any(reviews, "dismiss_stale_reviews_on_push"),
        "require approval of the most recent push": _any(reviews, "require_last_push_approval"),
        f"require the status {STATUS}": STATUS in checks,
        "block force pushes": any(rule.type == "non_fast_forward" for rule in rules),
    }
    return [f"in the rules of {branch}: {words}" for words, there in missing.items() if not there]


def _any(parameters: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(one.get(name) for one in parameters)


async def _look_at_secrets(forge: GitHub, environment: str, wanted: Collection[str], reach: Reach) -> None:
    move = f"keep it in the environment {environment!r} only"
    for name in await forge.protection.repository_secrets():
        if name in wanted:
            reach.problems.append(f"every branch can use the secret {name} of the repository: {move}")
    for name in await forge.protection.organization_secrets():
        if name in wanted:
            reach.problems.append(f"every branch can use the secret {name} of the organization: {move}")


async def _look_for_missing(forge: GitHub, environment: str, names: Collection[str], reach: Reach) -> None:
    there = set(await forge.protection.environment_secrets(environment))
    missing = [] if VARIABLE in there else sorted(set(names) - there)
    reach.advice += [f"add {name} to the environment {environment!r}: a route uses it" for name in missing]
