"""The whole of what people wrote, and the configuration that it was read under."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.model.access import GrantBlock, Role
from reconciler.model.apps import App
from reconciler.model.identities import Group, Person, ServiceAccount
from reconciler.model.policies import Policies


@dataclass(frozen=True, slots=True)
class KeptRef:
    """A git ref that only grows (`refs/heads/reconciler/audit`), of a remote; an empty remote means the obvious one."""

    ref: str
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """`reconciler.yaml`.

    Attributes:
        root: the folder that holds it; every path is relative to it.
        organization: a name for headlines; may be empty.
        timezone: an IANA name: what a bare date means.
        apps_paths, policies_paths: the only files or folders in which `apps` and `policies` may be written.
        ignore: glob patterns of YAML files that are not ours.
        state: the back end's name → its options (`{"sqlite": {"path": ".reconciler/state.db"}}`).
        tickets: how tickets are sent where an app's route does not say: the configuration of a `ticket` way.
        secrets: names of environment variables and globs of files that references may name; None means any.
        sops: the `sops` program, or empty where none is configured.
        audit_anchor: the file that heads of the audit trail are added to, relative to the root, or a git ref; empty for
            none.
        forge: where pull requests live: `{"github": {"repository": …, "token": …, "url": …, "login": …}}`; without what
            is not said, and empty where nothing is.
    """

    root: Path
    organization: str = ""
    timezone: str = "UTC"
    apps_paths: tuple[str, ...] = ("apps.yaml", "apps")
    policies_paths: tuple[str, ...] = ("policies.yaml", "policies")
    ignore: tuple[str, ...] = ()
    state: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tickets: Mapping[str, Any] = field(default_factory=dict)
    secrets_env: tuple[str, ...] | None = None
    secrets_files: tuple[str, ...] | None = None
    sops: str = ""
    audit_anchor: str | KeptRef = ""
    forge: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Company:
    """Everything that the YAML says, with no moment and no comparison in it yet.

    Attributes:
        digest: SHA-256 over the content of all files that were read (paths and bytes), as hex.
    """

    settings: Settings
    people: Mapping[str, Person] = field(default_factory=dict)
    service_accounts: Mapping[str, ServiceAccount] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    apps: Mapping[str, App] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    grants: tuple[GrantBlock, ...] = ()
    policies: Policies = field(default_factory=Policies)
    digest: str = ""

    def is_identity(self, name: str) -> bool:
        """Say whether a person or a service account has this id."""
        return name in self.people or name in self.service_accounts
