"""The company's application, as Facteur meets it: it writes rows with plain SQL and reads columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg2
from psycopg2.extras import execute_values

from local.demo.cases import Case

INSERT = """
insert into invoicing.invoices
    (invoice_number, seller_siren, issue_date, total, currency, document_uri, status)
values %s
returning id
"""

FINISH = "update invoicing.invoices set status = 'final' where id = any(%(ids)s)"

# What the back office reads in its own table, beside what Facteur knows: a status counts once the history has it, label and reason.
LOOK = """
select invoice.id, invoice.technical_status, invoice.submission_id, submission.state, status.code,
       status.label, coalesce(nullif(status.reason, ''), submission.last_error_message) as reason
from invoicing.invoices invoice
left join lateral (
    select id, state, lifecycle_code, last_error_message from facteur.submissions
    where invoice_id = invoice.id::text order by id desc limit 1
) submission on true
left join lateral (
    select code, label, concat_ws(': ', reason, message) as reason from facteur.status_events
    where submission_id = submission.id and code = submission.lifecycle_code
    order by occurred_at desc, id desc limit 1
) status on true
where invoice.id = any(%(ids)s)
"""


STORY = "select at, what, detail from facteur.story where invoice_number = %(number)s"
STORY_SHOWN = STORY.replace("%(number)s", "'{number}'")  # as a person would type it


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One row of facteur.story."""

    at: datetime
    what: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Sight:
    """One invoice as a person finds it in Postgres at some moment."""

    technical_status: str | None
    submission_id: str | None
    state: str | None
    lifecycle_code: str | None
    label: str | None
    reason: str | None

    @property
    def settled(self) -> bool:
        """Whether Facteur itself will not touch it any more."""
        return self.state in ("rejected", "closed", "failed")


class Application:
    """One connection to the company's database; ids are those of invoicing.invoices."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg2.connect(database_url)
        self._connection.autocommit = True

    def close(self) -> None:
        self._connection.close()

    def write(self, cases: Sequence[Case], document_uris: Sequence[str]) -> dict[int, Case]:
        """Insert half of the invoices as finished ones, the others as drafts, and finish those with one update."""
        rows = list(zip(cases, document_uris, strict=True))
        finished = [row for row in rows if row[0].finished]
        half = len(finished) // 2
        at_once = self._insert(finished[:half], "final")
        drafts = self._insert([row for row in rows if row not in finished[:half]], "draft")
        with self._connection.cursor() as cursor:
            cursor.execute(FINISH, {"ids": [key for key, case in drafts.items() if case.finished]})
        return at_once | drafts

    def look(self, ids: Sequence[int]) -> dict[int, Sight]:
        with self._connection.cursor() as cursor:
            cursor.execute(LOOK, {"ids": list(ids)})
            return {row[0]: Sight(*row[1:]) for row in cursor.fetchall()}

    def count(self) -> int:
        """How many invoices the table has."""
        with self._connection.cursor() as cursor:
            cursor.execute("select count(*) from invoicing.invoices")
            return int(cursor.fetchall()[0][0])

    def story(self, number: str) -> list[StoryLine]:
        with self._connection.cursor() as cursor:
            cursor.execute(STORY, {"number": number})
            return [StoryLine(*row) for row in cursor.fetchall()]

    def _insert(self, rows: Sequence[tuple[Case, str]], status: str) -> dict[int, Case]:
        if not rows:
            return {}
        values = [
            (case.number, case.seller_siren, case.issue_date, case.total, case.currency, uri, status)
            for case, uri in rows
        ]
        with self._connection.cursor() as cursor:
            keys = execute_values(cursor, INSERT, values, fetch=True)
        return {key: case for (key,), (case, _) in zip(keys, rows, strict=True)}
