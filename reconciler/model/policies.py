"""Guards that the organization sets for itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.problems import NOWHERE, Place


@dataclass(frozen=True, slots=True)
class Limit:
    """`5 or 10%`: an absolute number and a share (0 to 1); the larger of the two is allowed."""

    count: int
    share: float = 0.0

    def allowed(self, population: int) -> int:
        """Return how many of a population may be affected: the larger of the number and the rounded-down share."""
        return max(self.count, int(population * self.share))

    def __str__(self) -> str:
        return f"{self.count} or {self.share:.4g}%".replace(f"{self.share:.4g}%", f"{self.share * 100:.4g}%")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one plan may take away. A leaver counts once, in `leavers`, and in no other limit.

    Attributes:
        leavers: how many people may leave in one plan.
        removals_per_app: how many other removals it may hold in one app, in all and of each kind.
        minimum_admins: how many usable holders of each privileged entitlement must remain.
        removals: how many other removals it may hold in all apps together; None means 25 or 10 %, and never less
            than what one app alone may lose.
    """

    leavers: Limit = Limit(3, 0.01)
    removals_per_app: Limit = Limit(5, 0.10)
    minimum_admins: int = 2
    removals: Limit | None = None


@dataclass(frozen=True, slots=True)
class Protected:
    """What no plan may take away: ids of identities, `app/username` accounts, `app/kind:name` entitlements."""

    people: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    entitlements: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NeverTogether:
    """Entitlements (`app/kind:name`) that one identity may never hold all of."""

    name: str
    entitlements: tuple[str, ...]
    place: Place = NOWHERE


class SelfApproval(StrEnum):
    """Whether the approval of somebody who gains by a pull request counts as a review of it, the strictest first."""

    NEVER = "never"
    UNPRIVILEGED = "unprivileged"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Policies:
    """All guards of an organization; every field has a safe default."""

    never_together: Mapping[str, NeverTogether] = field(default_factory=dict)
    protected: Protected = Protected()
    limits: Limits = Limits()
    self_approval: SelfApproval = SelfApproval.NEVER
    place: Place = NOWHERE
