"""One identity's account in one app, rendered."""

from collections.abc import Mapping

from reconciler.errors import ExpressionError
from reconciler.items import Value
from reconciler.model.apps import App
from reconciler.resolve.attributes import person_attributes, service_attributes
from reconciler.resolve.declared import DeclaredAccount, DeclaredApp, Presence
from reconciler.resolve.expression import compile_template
from reconciler.resolve.resolved import Resolved

_INITIAL = ("name", "given_name", "family_name", "email", "title", "department", "manager")


def declare_account(resolved: Resolved, declared: DeclaredApp, identity: str) -> DeclaredAccount:
    """Render an identity's account in an app.

    Works for every id, since a state may know more of them than the YAML: one that the YAML no longer knows, and one
    that it knows but gives no account here, is ABSENT (`declared.accounts` tells whether that is declared, or silent).

    Args:
        resolved: the company at a moment.
        declared: one of its apps.
        identity: the id of a person or a service account.

    Raises:
        ExpressionError: a template cannot be rendered; the message names it and the identity.
    """
    presence = declared.accounts.get(identity, Presence.ABSENT)
    company, app = resolved.company, declared.app
    known = company.people.get(identity) or company.service_accounts.get(identity)
    if known is None:
        return DeclaredAccount(identity, presence, external_id=identity)
    attributes = identity_attributes(resolved, identity)
    username = known.usernames.get(app.name, "")
    initial = {name: attributes[name] for name in _INITIAL if attributes[name] is not None}
    return DeclaredAccount(
        identity=identity,
        presence=presence,
        username=username,
        email=known.email,
        external_id=identity,
        attributes=_render(app, identity, attributes),
        initial=initial | {"username": username or known.email or identity},
    )


def identity_attributes(resolved: Resolved, identity: str) -> dict[str, Value]:
    """Return what templates see as `person`: of a person or a service account; empty for an id that nobody has."""
    if person := resolved.company.people.get(identity):
        return person_attributes(person)
    service = resolved.company.service_accounts.get(identity)
    return service_attributes(service) if service else {}


def _render(app: App, identity: str, attributes: Mapping[str, Value]) -> dict[str, Value]:
    rules = app.accounts
    try:
        return {name: _render_value(value, attributes) for name, value in rules.attributes.items()}
    except ExpressionError as error:
        where = rules.place if rules.place.line else app.place
        raise ExpressionError(
            f"{where}: the account of {identity} in {app.name} cannot be rendered: {error.message}", hint=error.hint
        ) from error


def _render_value(value: Value, attributes: Mapping[str, Value]) -> Value:
    if isinstance(value, str):
        return compile_template(value).render(attributes)
    if isinstance(value, tuple):
        texts = (compile_template(text).render(attributes) for text in value)
        return tuple(str(text) for text in texts if text is not None)
    return value
