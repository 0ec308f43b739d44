"""What becomes of the company's invoices, a line for each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.extras import NamedTupleCursor

from facteur.domain.visible import visible
from local.demo.display import MARKS, VALIDATED_MEANS
from local.trial.journal import connect

LINES_AT_ONCE = 30
CHANGED = """
select s.id, coalesce(s.invoice_number, s.invoice_id) as named, s.state, s.written_status as status,
       case when e.label <> '' then concat_ws(' ', s.lifecycle_code, e.label) end as life_cycle,
       coalesce(nullif(concat_ws(': ', e.reason, e.message), ''), s.last_error_message) as reason, s.updated_at
from facteur.submissions s
left join lateral (
    select label, reason, message from facteur.status_events e
    where e.submission_id = s.id and e.code = s.lifecycle_code order by e.occurred_at desc, e.id desc limit 1
) e on true
where s.updated_at >= coalesce(%(since)s, '-infinity'::timestamptz) order by s.updated_at, s.id
"""

Say = Callable[[str], None]


class Follower:
    """Looks at facteur.submissions each time it is asked to; a database that does not answer is said once, and its return as well."""

    def __init__(self, url: str, say: Say) -> None:
        self._url, self._say = url, say
        self._seen: dict[int, tuple[str, str, str | None]] = {}
        self._since: Any = None
        self._lost = self._explained = False

    def look(self) -> None:
        """Say what has changed since the last time."""
        try:
            connection = connect(self._url)
            try:
                cursor: Any
                with connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
                    cursor.execute(CHANGED, {"since": self._since})
                    found: list[Any] = cursor.fetchall()
            finally:
                connection.close()
        except psycopg2.Error as error:
            if not self._lost:
                self._say(f"✖ the database does not answer ({type(error).__name__}); it is tried again")
            self._lost = True
            return
        if self._lost:
            self._say("✔ the database answers again")
        self._lost = False
        self._show([row for row in found if self._is_new(row)])
        self._seen |= {row.id: _sight(row) for row in found}
        self._since = found[-1].updated_at if found else self._since

    def _is_new(self, row: Any) -> bool:
        """Whether there is something to say. That it waits or is on its way is not, as long as nothing is wrong with it."""
        quiet = row.status == "pending" and row.state != "in_doubt" and not row.reason
        return not quiet and self._seen.get(row.id) != _sight(row)

    def _show(self, rows: list[Any]) -> None:
        for row in rows[:LINES_AT_ONCE]:
            status = f"{MARKS.get(row.status, '?')} {row.status}" + (" (in doubt)" if row.state == "in_doubt" else "")
            self._say(visible(f"{row.named:<20} {status:<22} {row.life_cycle or '':<28} {row.reason or ''}").rstrip())
            if row.status == "validated" and not self._explained:
                self._explained = True
                self._say(f"    ({VALIDATED_MEANS})")
        if len(rows) > LINES_AT_ONCE:
            self._say(f"… and {len(rows) - LINES_AT_ONCE} more have changed: facteur status counts them")


def _sight(row: Any) -> tuple[str, str, str | None]:
    return row.state, row.status, row.life_cycle
