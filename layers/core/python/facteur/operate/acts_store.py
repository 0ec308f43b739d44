"""The statements of a person's acts. What they do, and when they refuse, stands in sql/functions/acts.sql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from facteur.operate.model.acts import Act
from facteur.postgres.database import Database, Row, as_json


class _RehearsedError(Exception):
    """Ends a dry run: everything was done, and is rolled back."""


class PostgresActs:
    """Postgres, for acts: each is one transaction with its record, and a sentence about what came of it.

    Raises OperatorError where it is refused, and DatabaseUnavailableError; nothing was done then.
    """

    RETRY = "select facteur.retry(%(id)s, %(act)s) as answer"
    REJECT = "select facteur.reject(%(id)s, %(act)s) as answer"
    ADOPT = "select facteur.adopt(%(id)s, %(found)s, %(act)s) as answer"
    TAKEN = "select facteur.surely_taken(%(invoice_id)s, %(platform_id)s, %(unverified)s) as taken"
    SPEND = "select facteur.spend(%(account)s, %(calls)s)"
    HOLD = "select facteur.hold(%(account)s, %(seconds)s, %(act)s) as answer"
    RESUME = "select facteur.resume(%(account)s, %(act)s) as answer"
    REPIN = "select pin, doubts from facteur.repin(%(account)s, %(act)s)"
    LOG = "select facteur.log_operation(%(act)s, null, null, null, %(detail)s)"

    def __init__(self, database: Database) -> None:
        self._database = database

    def retry(self, submission_id: int, act: Act) -> str:
        return str(self._done(self.RETRY, act, id=submission_id).answer)

    def reject(self, submission_id: int, act: Act) -> str:
        return str(self._done(self.REJECT, act, id=submission_id).answer)

    ALIKE = """
        select s.id from facteur.submissions s
        where s.state = any (%(states)s) and (%(code)s::text is null or s.last_error_code = %(code)s)
          and (%(account)s::text is null or s.account = %(account)s)
          and not exists (select from facteur.submissions n where n.invoice_id = s.invoice_id and n.id > s.id)
        order by s.id
    """

    def alike(self, states: Sequence[str], code: str | None, account: str | None) -> list[int]:
        """Submissions in these states that no newer one has replaced, the oldest first; changes nothing."""
        asked = {"states": list(states), "code": code, "account": account}
        return [row.id for row in self._database.rows(self.ALIKE, asked)]

    def adopt(
        self,
        submission_id: int,
        platform_id: str,
        sha256: str | None,
        platform: Mapping[str, str] | None,
        account: str,
        act: Act,
    ) -> str:
        """`platform` is None where the platform was not asked; `account` made the deposit."""
        known = None if platform is None else dict(platform)
        found = {"platform_id": platform_id, "sha256": sha256, "platform": known, "account": account}
        return str(self._done(self.ADOPT, act, id=submission_id, found=as_json(found)).answer)

    def taken_elsewhere(self, invoice_id: str, platform_id: str, *, unverified: bool) -> bool:
        """Whether a deposit is another invoice's; not by a mix-up of ids, unless nobody asks the platform (`unverified`)."""
        asked = {"invoice_id": invoice_id, "platform_id": platform_id, "unverified": unverified}
        return bool(self._database.row(self.TAKEN, asked).taken)

    def spend(self, account: str, calls: int) -> None:
        """Calls to the platform that were made at once: the budget owes them."""
        self._database.rows(self.SPEND, {"account": account, "calls": calls})

    def hold(self, account: str, seconds: float | None, act: Act) -> str:
        return str(self._done(self.HOLD, act, account=account, seconds=seconds).answer)

    def resume(self, account: str, act: Act) -> str:
        return str(self._done(self.RESUME, act, account=account).answer)

    def repin(self, account: str, act: Act) -> tuple[Mapping[str, str], list[str]]:
        """The pin that was, and the invoices in doubt that its client left."""
        row = self._done(self.REPIN, act, account=account)
        return row.pin, row.doubts

    def record(self, act: Act, detail: Mapping[str, int]) -> None:
        """Record an act on something else than Postgres, before it is done."""
        self._database.rows(self.LOG, {"act": as_json(signed(act)), "detail": as_json(dict(detail))})

    def _done(self, statement: str, act: Act, **parameters: Any) -> Row:
        return carried_out(self._database, statement, act, **parameters)


def carried_out(database: Database, statement: str, act: Act, **parameters: Any) -> Row:
    """The row of a statement in a transaction, which a dry run rolls back."""
    row: Row = None
    with suppress(_RehearsedError), database.transaction():
        row = database.row(statement, parameters | {"act": as_json(signed(act))})
        _end_rehearsal(act)
    return row


def _end_rehearsal(act: Act) -> None:
    if act.dry_run:
        raise _RehearsedError


def recorded(act: Act) -> str:
    """An act in one line, for a log that outlives the table."""
    return f"by {act.who}: {act.why}"


def signed(act: Act) -> dict[str, str]:
    """An act as facteur.log_operation reads it."""
    known = {"caller": act.caller.identity, "request_id": act.caller.request_id}
    return {"operation": act.operation, "who": act.who, "why": act.why} | {k: v for k, v in known.items() if v}
