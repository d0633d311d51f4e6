"""One app is read and put beside what is declared, to see what there is; nothing is planned."""

import asyncio

from reconciler.errors import ConfigurationError
from reconciler.load.suggest import suggest
from reconciler.plan.app import join_app
from reconciler.plan.plan import Scope
from reconciler.plan.sides import Sides
from reconciler.run.belief import judge_state
from reconciler.run.gathering import Gatherer
from reconciler.run.reading import ReadProgress, reading
from reconciler.run.session import Session
from reconciler.state.contract import StateStore
from reconciler.state.open import open_state


def read_sides(session: Session, app: str, progress: ReadProgress | None) -> Sides:
    """Read an app over connections that cannot write, and match its accounts.

    Raises:
        ConfigurationError: there is no such app, or it cannot be reached as configured.
        StateError: the state cannot be read.
    """
    if app not in session.company.apps:
        hint = suggest(app, session.company.apps) or "a new one: --provider scim --set url=https://… --owner ID"
        raise ConfigurationError(f"unknown app {app!r}", hint=hint)
    with open_state(session.settings, read_only=True) as state:
        return asyncio.run(_read(session, app, state, progress))


async def _read(session: Session, app: str, state: StateStore, progress: ReadProgress | None) -> Sides:
    scope = Scope(apps=(app,))
    async with reading(session, [session.company.apps[app]], {}, progress) as answers:
        gatherer = Gatherer(session, scope, state, judge_state(session, scope, state).losses)
        inputs = [gatherer.gather(answer) async for answer in answers]
    if inputs[0].error:
        raise ConfigurationError(f"{app} cannot be read: {inputs[0].error}")
    errors = [way.error for way in inputs[0].ways if way.error]
    if errors and not any(way.snapshot for way in inputs[0].ways):
        raise ConfigurationError(f"{app} cannot be read: {'; '.join(errors)}")
    return join_app(inputs[0])
