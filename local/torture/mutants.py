"""Facteur with one protection switched off, in a lane only: a harness that does not find out is worth nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from facteur.adapters.postgres import Database
from facteur.errors import NotDepositedError
from facteur.model import Move, State
from local.torture.points import Interrupt
from local.torture.schedule import LONG_STALL_SECONDS, Happening, Order, Schedule
from local.torture.sql import add_table, replace_in
from local.torture.worker import Worker


@dataclass(frozen=True, slots=True)
class Mutant:
    """`prepare` changes the run's database, `worker` each worker after its fork; `schedule` is the run that must tell."""

    about: str
    schedule: Schedule
    prepare: Callable[[Database], None] = lambda _database: None
    worker: Callable[[Worker], None] = lambda _worker: None
    harmless: bool = False  # by design: it costs time and nothing else


def run_of(
    *orders: Order,
    strike: str | None = None,
    happenings: Sequence[Happening] = (),
    switches: dict[str, Any] | None = None,
    stall_seconds: float = LONG_STALL_SECONDS,
) -> Schedule:
    interrupts = (Interrupt.read(strike),) if strike else ()
    return Schedule(
        "", 1, orders, interrupts, tuple(happenings), switches or {}, stall_seconds=stall_seconds, most_leaps=40
    )


def switch(name: str, changed: Callable[[Any], Any]) -> None:
    """Replace a function, class or constant wherever the product uses it.

    Raises:
        LookupError: it has another name now: whoever changed it must look here.
    """
    users = [module for key, module in sys.modules.items() if key.startswith("facteur.") and hasattr(module, name)]
    if not users:
        raise LookupError(f"facteur has no {name}")
    replacement = changed(getattr(users[0], name))
    for module in users:
        setattr(module, name, replacement)


def resend_on_unknown(_worker: Worker) -> None:
    resent = {"move": Move(State.PENDING, 1.0), "outcome": "not_deposited"}
    switch("after_unknown", lambda doubting: lambda *about: replace(doubting(*about), **resent))


def skip_lease_check(_worker: Worker) -> None:
    def unchecked(lease: Any) -> Any:
        lease.check = lambda _self: None
        return lease

    switch("Lease", unchecked)


def take_failure_for_absence(_worker: Worker) -> None:
    def forgiving(search: Any) -> Any:
        def searched(*arguments: Any) -> Any:
            try:
                return search(*arguments)
            except NotDepositedError:
                return [], []

        return searched

    switch("_search", forgiving)


def ask_once(_worker: Worker) -> None:
    switch("EMPTY_LOOKUPS_BEFORE_RESEND", lambda _: 1)
    switch("_limits", lambda limits: lambda settings: replace(limits(settings), resend_after_seconds=0.0))


def acknowledge_early(worker: Worker) -> None:
    worker.delete_early = True


class LateAttempts:
    """A store whose attempts are written with their outcome, and not before the call."""

    def __init__(self, store: Any) -> None:
        self._store, self._kept = store, dict[int, str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def claim(self, items: Any) -> Any:
        claims = self._store.claim(items)
        ids = [claim.attempt_id for claim in claims if claim.attempt_id]
        statement = "delete from facteur.attempts a where id = any (%(ids)s) returning id, to_jsonb(a) as kept"
        self._kept |= {row.id: json.dumps(row.kept) for row in self._store._database.rows(statement, {"ids": ids})}
        return claims

    def record(self, outcomes: Any) -> Any:
        statement = (
            "insert into facteur.attempts overriding system value "
            "select * from jsonb_populate_record(null::facteur.attempts, %(kept)s)"
        )
        for kept in filter(None, (self._kept.get(outcome.claim.attempt_id) for outcome in outcomes)):
            self._store._database.rows(statement, {"kept": kept})
        return self._store.record(outcomes)


def open_attempts_late(worker: Worker) -> None:
    worker.wrap_store = LateAttempts


def claim_anything(database: Database) -> None:
    for pattern, replacement in (
        (
            r"w\.queued_at is not null and w\.due_at <= facteur\.now\(\)\s+and w\.state in \('pending', 'in_doubt'\)",
            "true",
        ),
        (r"if \(item ->> 'tries'\)[^;]*? then", "if false then"),
        (r"case s\.state when 'pending' then 'sending' else 'in_doubt' end", "'sending'"),
        (r"if s\.state = 'pending' then", "if true then"),
    ):
        replace_in(database, "facteur.claim", pattern, replacement)


def forget_holders(database: Database) -> None:
    replace_in(database, "facteur.held_elsewhere", r"(?s)\bselect coalesce.*held\s", "select '{}'::text[] ")


def keep_a_watermark(database: Database) -> None:
    add_table(database, "mark", "select 0::bigint as id")
    database.rows("""
        create function torture.raise_mark() returns trigger language plpgsql as $$
        begin update torture.mark set id = greatest(id, old.id); return null; end $$;
        create trigger raise_mark after delete on facteur.changes for each row execute function torture.raise_mark();
    """)
    replace_in(
        database, "facteur.consume_notes", r"from facteur\.changes where",
        "from facteur.changes where id > (select m.id from torture.mark m) and",
    )  # fmt: skip


def note_once(database: Database) -> None:
    database.rows("create unique index on facteur.changes (invoice_ids)")
    found = "select oid::regproc::text as name from pg_proc where proname like 'note\\_%' and prorettype = 'trigger'::regtype"
    for function in database.rows(found):
        replace_in(database, function.name, r"group by chunk;", "group by chunk on conflict do nothing;")


def tell_without_net(database: Database) -> None:
    replace_in(database, "facteur.tell_company", r"(?s)exception\s+when [^\n]*\bthen\b.*?return false;\s*end;", "end;")


def forget_lost_messages(database: Database) -> None:
    replace_in(database, "facteur.pick_due", "30 minutes", "30 years")


def send_twins(database: Database) -> None:
    replace_in(database, "facteur.sent_for_another_row", r"limit 1\b", "limit 0")


LOST = Order(faults=("lost_answer",))
SILENT_SEARCH = Happening(1, "outage", details={"seconds": 8000, "fault": "503", "endpoints": ["search"]})
MUTANTS: dict[str, Mutant] = {
    "resend on unknown": Mutant(
        "an unknown outcome is sent again at once", run_of(LOST, Order()), worker=resend_on_unknown
    ),
    "claim checks nothing": Mutant(
        "a claim ignores queued_at, due_at and the lease",
        run_of(Order(), Order(), strike="stall@store.claim.before:1", stall_seconds=20.0),
        prepare=claim_anything,
    ),
    "no lease check": Mutant(
        "nothing is checked before the first byte",
        run_of(Order(), Order(), strike="stall@http.deposit.before:1"),
        worker=skip_lease_check,
    ),
    "attempt after the call": Mutant(
        "the attempt is opened with its outcome",
        run_of(Order(), Order(), strike="kill@http.deposit.sent:1"),
        worker=open_attempts_late,
    ),
    "ids of others": Mutant(
        "a look-up takes ids that others hold",
        run_of(Order("unroutable", mend=True, same_document=True, later=("reset",))),
        prepare=forget_holders,
    ),
    "the same bytes twice": Mutant(
        "the same bytes are sent for two rows", run_of(LOST, Order("twin")), prepare=send_twins
    ),
    "failed look-ups count": Mutant(
        "a look-up that failed counts as an empty one",
        run_of(LOST, happenings=[SILENT_SEARCH]),
        worker=take_failure_for_absence,
    ),
    "one look-up is enough": Mutant(
        "sent again after one empty look-up, whatever the index lags",
        run_of(LOST, switches={"search_lag": 300}),
        worker=ask_once,
    ),
    "notes by watermark": Mutant(
        "notes are consumed up to the highest id",
        run_of(
            Order(),
            happenings=[
                Happening(2, "insert_late", details={"orders": (Order(),), "rounds": 6}),
                Happening(4, "touch", details={"rows": 1}),
            ],
        ),
        prepare=keep_a_watermark,
    ),
    "unique notes": Mutant(
        "a unique key on changes, and on conflict do nothing",
        run_of(Order(), happenings=[Happening(2, "write_late", details={"orders": (Order(),), "rounds": 6})]),
        prepare=note_once,
    ),
    "write-back without net": Mutant(
        "the write-back fails with its record",
        run_of(Order(), happenings=[Happening(1, "refuse_write_backs", details={"rows": 1, "rounds": None})]),
        prepare=tell_without_net,
    ),
    "lost messages stay lost": Mutant(
        "a message is never sent a second time",
        run_of(Order(), happenings=[Happening(2, "shake_queue", details={"lose": 1.0, "double": 0.0})]),
        prepare=forget_lost_messages,
    ),
    "acknowledged early": Mutant(
        "a message is deleted before its invoice is claimed",
        run_of(Order(), Order(), strike="kill@store.claim.before:1"),
        worker=acknowledge_early,
        harmless=True,
    ),
}


def schedules() -> list[Schedule]:
    """Each mutant's run without it, which must be clean, and with it."""
    pairs = [
        (
            replace(mutant.schedule, name=f"without: {name}"),
            replace(mutant.schedule, name=f"mutant: {name}", mutant=name),
        )
        for name, mutant in MUTANTS.items()
    ]
    return [schedule for pair in zip(*pairs, strict=True) for schedule in pair]
