"""The statements behind previews and the backlog."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from facteur.domain.submission import Invoice
from facteur.operate.acts_store import signed
from facteur.operate.model.acts import Act
from facteur.operate.model.backlog import BacklogFilter, BacklogPortion, Portion, Previewed
from facteur.postgres.database import Database, as_json
from facteur.postgres.invoices import INLINE_BYTES, as_invoice


class PostgresPending:
    """Postgres, for what waits to be deposited. Changes nothing; raises DatabaseUnavailableError."""

    COUNT = """
        select coalesce(sum(n), 0)::integer as pending,
               coalesce(pg_catalog.jsonb_object_agg(currency, total::text) filter (where n > 0), '{}') as totals
        from (select coalesce(s.currency, 'no currency') as currency, count(*) as n, coalesce(sum(s.total), 0) as total
              from facteur.submissions s
              where s.state = 'pending' and (%(account)s::text is null or s.account = %(account)s) group by 1) counted
    """
    NEXT = """
        select s.invoice_id, s.account, (r.shown).invoice_number, (r.shown).seller_siren, (r.shown).issue_date, (r.shown).total,
               (r.shown).currency, coalesce((r.shown).document_uri, (r.shown).document_bytes || ' bytes in the row') as document,
               coalesce(r.problem, case when not (r.shown).ready then 'not ready any more: ' || facteur.lacks(r.shown) end) as problem
        from (select * from facteur.submissions
              where state = 'pending' and (%(account)s::text is null or account = %(account)s) order by due_at, id limit %(limit)s) s
        cross join lateral facteur.read_row(s.invoice_id) r order by s.due_at, s.id
    """
    INVOICE = "select i.* from facteur.read_invoices(array[%(id)s], %(inline_bytes)s) i limit 1"

    def __init__(self, database: Database) -> None:
        self._database = database

    def counted(self, account: str | None) -> tuple[int, Mapping[str, str]]:
        """How many wait, and their total by currency."""
        row = self._database.row(self.COUNT, {"account": account})
        return row.pending, row.totals

    def other_kinds(self) -> dict[str, int]:
        """Finished documents of kinds that were not named as invoices, by kind."""
        return {
            row.kind: row.documents for row in self._database.rows("select kind, documents from facteur.other_kinds()")
        }

    def next_ones(self, account: str | None, limit: int) -> list[Previewed]:
        return [
            Previewed(**row._asdict()) for row in self._database.rows(self.NEXT, {"account": account, "limit": limit})
        ]

    def invoice(self, invoice_id: str) -> Invoice | None:
        """The company's row, to fetch its document by."""
        rows = self._database.rows(self.INVOICE, {"id": invoice_id, "inline_bytes": INLINE_BYTES})
        return as_invoice(rows[0]) if rows else None


class PostgresBacklog:
    """Postgres, for old rows. Each method is one transaction; raises OperatorError and DatabaseUnavailableError."""

    PREVIEW = "select facteur.preview_backlog(%(since)s, %(until)s, %(account)s, %(after)s, %(limit)s) as found"
    LOWER = "select facteur.lower_submit_from(%(since)s, %(include)s, %(act)s)::text as before"
    SUBMIT = """
        select submitted, skipped, last
        from facteur.submit_backlog(%(since)s, %(until)s, %(account)s, %(after)s, %(limit)s, %(act)s)
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def preview(self, wanted: BacklogFilter, after: str | None, limit: int) -> BacklogPortion:
        parameters = _as_parameters(wanted) | {"after": after, "limit": limit}
        return BacklogPortion(**self._database.row(self.PREVIEW, parameters).found)

    def lower_submit_from(self, since: date, include: bool, act: Act) -> str | None:
        parameters = {"since": since, "include": include, "act": as_json(signed(act))}
        before: str | None = self._database.row(self.LOWER, parameters).before
        return before

    def submit(self, wanted: BacklogFilter, after: str | None, limit: int, act: Act) -> Portion:
        parameters = _as_parameters(wanted) | {"after": after, "limit": limit, "act": as_json(signed(act))}
        return Portion(**self._database.row(self.SUBMIT, parameters)._asdict())


def _as_parameters(wanted: BacklogFilter) -> dict[str, date | str | int | None]:
    return {"since": wanted.since, "until": wanted.until, "account": wanted.account}
