"""What keeps people from going around a review: rules of branches, and from where credentials can be reached."""

from typing import Any

from reconciler.errors import AnswerError
from reconciler.forge.api import Api, part
from reconciler.forge.values import BranchRule, Environment

_HIDDEN = frozenset({403, 404})


class Protection:
    """Rules and environments of a repository."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def default_branch(self) -> str:
        """Return the name of the default branch."""
        found = await self._api.get("", "read the repository")
        return str(found["default_branch"])

    async def is_protected(self, branch: str) -> bool:
        """Say whether a branch is protected at all, by a rule or by classic protection."""
        found = await self._api.get(f"branches/{part(branch)}", f"read the branch {branch}")
        return bool(found.get("protected"))

    async def protected_branches(self) -> list[str]:
        """List the protected branches."""
        found = self._api.pages("branches", "list the protected branches", {"protected": "true"})
        return [str(entry["name"]) async for entry in found]

    async def rules(self, branch: str) -> list[BranchRule]:
        """List the active rules of a branch, of the repository and of its organization."""
        found = self._api.pages(f"rules/branches/{part(branch)}", f"list the rules of {branch}")
        return [BranchRule(str(entry["type"]), entry.get("parameters") or {}) async for entry in found]

    async def required_approvals(self, branch: str) -> int | None:
        """Return how many approvals a branch asks for; None where classic protection does, which only admins may read.

        Returns:
            0 where anybody with write access may push or merge without a review.
        """
        asked = [rule.parameters for rule in await self.rules(branch) if rule.type == "pull_request"]
        if asked:
            return max(int(parameters.get("required_approving_review_count") or 0) for parameters in asked)
        if not await self.is_protected(branch):
            return 0
        return await self._classic_approvals(branch)

    async def _classic_approvals(self, branch: str) -> int | None:
        path = f"branches/{part(branch)}/protection"
        try:
            found = await self._api.get(path, f"read the protection of {branch}")
        except AnswerError as error:
            if error.status in _HIDDEN:
                return None
            raise
        reviews = found.get("required_pull_request_reviews")
        return int(reviews.get("required_approving_review_count") or 0) if isinstance(reviews, dict) else 0

    async def was_bypassed(self, branch: str, commit: str) -> bool | None:
        """Say whether rules were bypassed by the push that ended at a commit; None where this cannot be told.

        Only tokens that may administer the repository are told.
        """
        params = {"ref": f"refs/heads/{branch}", "time_period": "week", "rule_suite_result": "all"}
        try:
            async for entry in self._api.pages("rulesets/rule-suites", "list the evaluations of rules", params):
                if entry.get("after_sha") == commit:
                    return bool(entry.get("result") == "bypass")
        except AnswerError as error:
            if error.status not in _HIDDEN:
                raise
        return None

    async def repository_secrets(self) -> list[str]:
        """List the names of the secrets that every branch of the repository can use.

        Raises:
            AnswerError: the token may not list them (`secrets: read`).
        """
        return await self._names("actions/secrets", "list the secrets of the repository")

    async def organization_secrets(self) -> list[str]:
        """List the names of the organization's secrets that every branch of the repository can use."""
        return await self._names("actions/organization-secrets", "list the secrets of the organization")

    async def environment_secrets(self, name: str) -> list[str]:
        """List the names of the secrets of an environment."""
        return await self._names(f"environments/{part(name)}/secrets", f"list the secrets of the environment {name}")

    async def _names(self, path: str, what: str) -> list[str]:
        return [str(entry["name"]) async for entry in self._api.pages(path, what, key="secrets")]

    async def environment(self, name: str) -> Environment | None:
        """Return an environment and who may use it, None if there is none."""
        path = f"environments/{part(name)}"
        found = await self._api.find(path, f"read the environment {name}")
        if found is None:
            return None
        policy: dict[str, Any] | None = found.get("deployment_branch_policy")
        reviewers = any(rule.get("type") == "required_reviewers" for rule in found.get("protection_rules") or ())
        if policy is None:
            return Environment(name, any_branch=True, protected_branches=False, reviewers=reviewers)
        patterns = await self._patterns(path, name) if policy.get("custom_branch_policies") else ()
        protected = bool(policy.get("protected_branches"))
        return Environment(name, any_branch=False, protected_branches=protected, patterns=patterns, reviewers=reviewers)

    async def _patterns(self, path: str, name: str) -> tuple[tuple[str, str], ...]:
        what = f"list the branches that may use the environment {name}"
        found = self._api.pages(f"{path}/deployment-branch-policies", what, key="branch_policies")
        return tuple([(str(entry.get("type") or "branch"), str(entry["name"])) async for entry in found])
