"""What a pull request is compared with, and whom it is trusted with: the base as git has it, and the branch's tip.

The head is compared with the commit that it parted from its base at, so that what others merged since is neither
reverted nor taken for the pull request's. What decides about secrets (routes, `reconciler.yaml`) and about guards is
that of the base's tip as well: an old branch must not bring an old guard back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, reduce
from pathlib import Path

from reconciler.load.cache import Cache
from reconciler.load.company import Loaded, Read, load_company
from reconciler.load.edits import Edits, read_edits
from reconciler.load.files import SETTINGS_NAMES
from reconciler.load.repository import Repository
from reconciler.load.revision import RevisionFiles, read_revision
from reconciler.load.settings import parse_settings
from reconciler.model.company import Company, Settings
from reconciler.model.policies import Policies
from reconciler.plan.strictest import loosened, strictest
from reconciler.problems import Problem, Severity
from reconciler.resolve.company import Resolved, resolve_company
from reconciler.run.ways import digest_config, routes_alike


@dataclass(frozen=True)
class Base:
    """The base of a pull request.

    Attributes:
        revision: how it was asked for.
        commit: the commit that is compared with; empty for the one before the first.
        head: the commit that is checked out, where the work tree's YAML is exactly that; else empty.
        company: what the commit says.
        tip: what the newest commit of the base says, where that is another.
        edits: the lines between the commit and the work tree.
        broken: the errors of the base's YAML: what is the pull request's own cannot be told then.
        rerouted: app → digest of its new configuration, of the apps whose route the base does not know.
        unasked: those of them that the base does not know at all: nothing is asked there.
        loosened: app → the guards that the head loosens, in words.
        warnings: what a reader should know of the comparison itself.
    """

    revision: str
    commit: str
    head: str
    company: Company
    moment: datetime
    tip: Company | None = None
    edits: Edits = field(default_factory=Edits)
    broken: tuple[Problem, ...] = ()
    rerouted: Mapping[str, str] = field(default_factory=dict)
    unasked: frozenset[str] = frozenset()
    loosened: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def companies(self) -> tuple[Company, ...]:
        """Return whatever counts beside the head when guards judge."""
        return (self.company, self.tip) if self.tip else (self.company,)

    @property
    def policies(self) -> tuple[Policies, ...]:
        """Return the guards of the base."""
        return tuple(company.policies for company in self.companies)

    @property
    def population(self) -> int:
        """Return how many people the base has."""
        return min(len(company.people) for company in self.companies)

    @cached_property
    def resolved(self) -> Resolved:
        """Return the base's company at the moment of the plan."""
        return resolve_company(self.company, self.moment)


def load_with_base(root: Path, revision: str, *, moment: datetime, cache: Path | None) -> tuple[Loaded, Base]:
    """Load the work tree as a pull request, and the base that it is to be compared with.

    The company that is returned is the head's, with the base's guards where it loosens them, and with the base's route
    in apps where it names another: nothing is sent to a place that the base does not know.

    Raises:
        InputError: the work tree's YAML has errors.
        ConfigurationError: there is no such revision, or it cannot be fetched.
    """
    repository = Repository(root)
    try:
        records = Cache(cache)
        tip = repository.resolve(revision)
        commit = repository.merge_base(tip, repository.head) if tip and repository.head else tip
        settings = _settings_at(repository, tip)
        loaded = load_company(root, moment=moment, cache=records, trusted=settings)
        read = read_revision(repository, commit, moment=moment, cache=records, digests=loaded.digests)
        newest = read if tip == commit else _read_tip(repository, tip, moment, records, loaded)
        records.trim()
        edits = read_edits(repository, commit, read.digests, loaded.digests)
        base = Base(
            revision=revision,
            commit=commit,
            head=_head(repository, loaded),
            company=read.company,
            moment=moment,
            tip=None if newest is read else newest.company,
            edits=edits,
            broken=_errors(read, newest),
            warnings=_warnings(revision, tip, commit),
        )
    finally:
        repository.close()
    return _trusting(loaded, base, newest.company)


def _settings_at(repository: Repository, commit: str) -> Settings:
    """Return the settings of a commit; where they cannot be read, no secret may be."""
    files = RevisionFiles(repository, commit, frozenset())
    name = next((name for name in SETTINGS_NAMES if name in files), "")
    if not name:
        return Settings(repository.root)
    settings, problems = parse_settings(files.only(name), repository.root, name)
    if any(problem.severity is Severity.ERROR for problem in problems):
        return replace(settings, secrets_env=(), secrets_files=(), sops="")
    return settings


def _read_tip(repository: Repository, tip: str, moment: datetime, cache: Cache, loaded: Loaded) -> Read:
    return read_revision(repository, tip, moment=moment, cache=cache, digests=loaded.digests)


def _warnings(revision: str, tip: str, commit: str) -> tuple[str, ...]:
    """Say that the base went on without the checkout: what a merge will do may be something else."""
    if tip == commit:
        return ()
    went = f"{revision} has moved on to {tip[:7]}; this checkout is compared with where it parted from it, {commit[:7]}"
    return (f"{went}: merge or rebase it to plan what the merge will do",)


def _errors(*reads: Read) -> tuple[Problem, ...]:
    found = {problem for read in reads for problem in read.problems if problem.severity is Severity.ERROR}
    return tuple(sorted(found))


def _head(repository: Repository, loaded: Loaded) -> str:
    """Return the commit that is checked out, if the YAML that was loaded is what it holds."""
    head = repository.head
    if not head or repository.differing(head) & loaded.digests.keys():
        return ""
    return head if loaded.digests.keys() <= repository.files(head).keys() else ""


def _trusting(loaded: Loaded, base: Base, trusted: Company) -> tuple[Loaded, Base]:
    """Return the head's company with whatever it may not decide about itself taken from the base."""
    head = loaded.company
    rerouted = {
        name: digest_config(app, head.settings, ())
        for name, app in head.apps.items()
        if not routes_alike(trusted.apps.get(name), app, head.settings)
    }
    known = {name: [one.apps[name] for one in base.companies if name in one.apps] for name in head.apps}
    told = {name: {text for one in known[name] for text in loosened(one, app)} for name, app in head.apps.items()}
    apps = {name: reduce(lambda app, one: strictest(one, app), known[name], app) for name, app in head.apps.items()}
    for name in rerouted:
        apps[name] = replace(apps[name], route=trusted.apps[name].route if name in trusted.apps else ())
    base = replace(
        base,
        rerouted=rerouted,
        unasked=frozenset(rerouted) - frozenset(trusted.apps),
        loosened={name: tuple(sorted(texts)) for name, texts in told.items() if texts},
    )
    return replace(loaded, company=replace(head, apps=apps)), base


def refuse_broken(base: Base) -> str:
    """Return why nothing can be told apart, or an empty text."""
    if not base.broken:
        return ""
    first, more = base.broken[0], len(base.broken) - 1
    rest = f", and {more} more" if more else ""
    return (
        f"the YAML of {base.revision} cannot be read ({first.place}: {first.message}{rest}), so that what is this pull "
        "request's own cannot be told apart from drift: all of the head is shown, and none of it can be applied"
    )
