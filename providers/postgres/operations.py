"""One change → transactions, and what came of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from providers.postgres import accounts, grants, queries
from providers.postgres.client import Server
from providers.postgres.config import PostgresConfig
from providers.postgres.levels import ATTRIBUTE, ROLE, SCHEMA
from providers.postgres.mapping import oids_of
from providers.postgres.objects import GoneError
from providers.postgres.offboarding import Offboarding
from providers.postgres.session import Session
from reconciler.errors import ProviderError, ReadOnlyError, TransportError
from reconciler.provider.change import Change, Operation, Outcome, Receipt

_GONE_IS_GOOD: Final = frozenset(
    {Operation.REVOKE, Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT, Operation.END_SESSIONS}
)


class Operations:
    """Performs changes on one server."""

    def __init__(self, server: Server, config: PostgresConfig) -> None:
        self._server = server
        self._config = config
        self._roles = accounts.Roles(config)
        self._offboarding = Offboarding(server, config)

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it.

        Raises:
            ReadOnlyError: while planning.
        """
        before = self._server.count.statements
        receipt = await self._judge(change)
        return replace(receipt, requests=self._server.count.statements - before)

    async def _judge(self, change: Change) -> Receipt:
        try:
            remark, made = await self._do(change)
        except GoneError as error:
            if change.operation in _GONE_IS_GOOD:
                return Receipt(change, Outcome.DONE, f"{error.message}: nothing to do")
            return Receipt(change, Outcome.FAILED, error.message)
        except ReadOnlyError:
            raise
        except TransportError as error:
            outcome = Outcome.UNKNOWN if error.landed is None else Outcome.FAILED
            return Receipt(change, outcome, error.message)
        except ProviderError as error:
            return Receipt(change, Outcome.FAILED, str(error).replace("\n ", ";"))
        return Receipt(change, Outcome.DONE, remark, made)

    async def _do(self, change: Change) -> tuple[str, str]:  # noqa: PLR0911 - a line for each operation
        """Do a change; return a remark, and the remote id of what was made."""
        match change.operation:
            case Operation.CREATE_ACCOUNT:
                return await self._server.write(lambda session: self._roles.create_account(session, change))
            case Operation.CREATE_ENTITLEMENT:
                return await self._server.write(lambda session: self._roles.create_group(session, change))
            case Operation.GRANT | Operation.REVOKE | Operation.SET_LEVEL:
                return await self._change_grant(change), ""
            case Operation.UPDATE_ENTITLEMENT:
                database = await self._database_of(change)
                return await self._server.write(lambda session: accounts.change_owner(session, change), database), ""
            case Operation.END_SESSIONS:
                return await self._offboarding.end_sessions(change), ""
            case Operation.TRANSFER_FILES:
                return await self._offboarding.hand_over(change), ""
            case Operation.DELETE_ACCOUNT:
                return await self._offboarding.drop(change), ""
            case _:
                return await self._change_role(change), ""

    async def _change_role(self, change: Change) -> str:
        works: Mapping[Operation, accounts.Work] = {
            Operation.UPDATE_ACCOUNT: self._roles.update_account,
            Operation.SUSPEND_ACCOUNT: self._roles.suspend,
            Operation.REACTIVATE_ACCOUNT: self._roles.reactivate,
            Operation.RENAME_ENTITLEMENT: self._roles.rename_group,
        }
        work = works[change.operation]
        remark = await self._server.write(lambda session: work(session, change))
        if change.operation is Operation.SUSPEND_ACCOUNT:
            return await self._offboarding.end_left_sessions(change)
        return remark

    async def _change_grant(self, change: Change) -> str:
        if change.kind == ROLE:
            return await self._server.write(lambda session: grants.change_membership(session, change, self._config))
        if change.kind == ATTRIBUTE:
            return await self._server.write(lambda session: grants.change_attribute(session, change))
        database = await self._database_of(change)
        return await self._server.write(lambda session: grants.change_privileges(session, change), database)

    async def _database_of(self, change: Change) -> str:
        """Return the database that a change is to be made in: a schema's own; empty for the usual one.

        Raises:
            GoneError: it is not there any more.
        """
        if change.kind != SCHEMA:
            return ""

        async def work(session: Session) -> str:
            rows = await session.rows(queries.DATABASE_BY_OID, oids_of(change.entitlement_id, session.system, 2)[:1])
            if not rows:
                raise GoneError(f"the database of {change.entitlement} does not exist any more")
            return str(rows[0][0])

        return await self._server.write(work)
