"""The statements of the source `feed`. What they do stands in sql/functions/feed.sql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from facteur.domain.lifecycle import GOOD_FILE
from facteur.domain.status_updates import InvoiceName
from facteur.domain.submission import StatusEvent
from facteur.postgres.database import Database, as_json

TURN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Fed:
    """An account whose platform has a feed, and whether this poll is to read it: of several names of a client one does."""

    account: str
    to_read: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client's feed is read from; `cursor` None: from its beginning, which is at `since`.

    `reached`: as far as an earlier run came; None: none has. `failing_seconds`: for how long no run has ended well.
    `foreign_until`: up to then statuses of none of our deposits are counted.
    """

    cursor: str | None
    since: datetime
    reached: str | None = None
    failing_seconds: float = 0.0
    foreign_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """A deposit of the client's under a name. `stored`: the status that names it is stored of it already; `good`: its file is good.

    `kept`: a submission has it; else it was let go, and nothing more is stored of it. `refused`: by the platform.
    `platform_id` None: there may be one that is not known; `waits`: the feed comes again once it is, for a day.
    """

    platform_id: str | None
    kept: bool = False
    stands: bool = False
    refused: bool = False
    stored: bool = False
    good: bool = False
    waits: bool = False


class PostgresFeeds:
    """Postgres for feeds of events."""

    def __init__(self, database: Database, providers: Sequence[str]) -> None:
        """`providers`: the kinds of platform that have a feed."""
        self._database, self._providers = database, list(providers)

    def accounts(self) -> list[Fed]:
        """Those first whose feed was not read for longest."""
        statement = """
        select account, to_read from facteur.accounts_with_feed(%(providers)s) with ordinality as f(account, to_read, place) order by place
        """
        rows = self._database.rows(statement, {"providers": self._providers})
        return [Fed(row.account, row.to_read) for row in rows]

    def take(self, account: str) -> Place | None:
        """The place, for this run alone to read from for a while; None: another run reads."""
        statement = """
        select "cursor" as place, since, reached, failing_seconds, foreign_until
        from facteur.take_feed(%(account)s, %(lease)s)
        """
        rows = self._database.rows(statement, {"account": account, "lease": TURN_SECONDS})
        return Place(*rows[0]) if rows else None

    def reached(self, account: str, cursor: str, *, past: bool, dated_at: datetime | None) -> None:
        """All statuses up to a place are stored; `past`: this run has read again all that an earlier one had reached.

        `dated_at`: when the platform says that it is.
        """
        statement = "select facteur.move_feed(%(account)s, %(cursor)s, %(past)s, %(dated_at)s)"
        self._database.rows(statement, {"account": account, "cursor": cursor, "past": past, "dated_at": dated_at})

    def reset(self, account: str) -> None:
        self._database.rows("select facteur.reset_feed(%(account)s)", {"account": account})

    def end(self, account: str, cursor: str | None, dated_at: datetime | None, failed_seconds: float | None) -> None:
        """The run has read to a place, where the platform said that it is `dated_at`, and lets another one begin.

        `failed_seconds`: it failed, and the next one begins after so many; None: it ended well.
        """
        statement = "select facteur.end_feed(%(account)s, %(cursor)s, %(dated_at)s, %(failed)s)"
        parameters = {"account": account, "cursor": cursor, "dated_at": dated_at, "failed": failed_seconds}
        self._database.rows(statement, parameters)

    def note_foreign(self, account: str, until: datetime) -> None:
        """Statuses of none of our deposits are counted, up to one of then."""
        self._database.rows("select facteur.note_foreign(%(account)s, %(until)s)", {"account": account, "until": until})

    def bearers(self, account: str, named: Sequence[tuple[StatusEvent, InvoiceName]]) -> Mapping[int, Sequence[Bearer]]:
        """The deposits under the name of each status, by its place among them."""
        names = [
            {"place": place, "status_id": event.status_id, "code": event.code, **asdict(about)}
            for place, (event, about) in enumerate(named)
        ]
        statement = """
        select place, platform_id, kept, stands, refused, stored, good, waits
        from facteur.deposits_named(%(account)s, %(names)s, %(good)s) order by place, platform_id
        """
        rows = self._database.rows(statement, {"account": account, "names": as_json(names), "good": GOOD_FILE})
        found: dict[int, list[Bearer]] = {}
        for place, *bearer in rows:
            found.setdefault(place, []).append(Bearer(*bearer))
        return found

    def note_ambiguous(self, refusals: int) -> None:
        """Leave word of refusals that may be of several deposits: who reads the same page again says the same."""
        self._database.rows("select facteur.tally('ambiguous_refusals', %(n)s)", {"n": refusals})

    def ambiguous(self) -> int:
        """How many of the last day were left word of."""
        statement = "select coalesce((facteur.tallied() ->> 'ambiguous_refusals')::integer, 0) as n"
        return int(self._database.row(statement).n)

    def want_history(self, submission_id: int, seconds: float) -> None:
        """Have a deposit's own history read: its events could not be stored."""
        statement = "select facteur.want_history(%(id)s, %(seconds)s)"
        self._database.rows(statement, {"id": submission_id, "seconds": seconds})
