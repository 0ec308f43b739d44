"""Turn notes into submissions and put due submissions onto the queue; then keep watching."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from facteur.domain.metrics import Metric
from facteur.domain.ports import Journal, NotesTaken, Queue

if TYPE_CHECKING:
    from facteur.relay_submissions.store import PostgresRelay

NOTES_AT_ONCE = 20  # a note holds up to a thousand keys
ROWS_AT_ONCE = 10_000  # locked until SQS has them all, a few seconds; the budget hardly ever admits so many
WRITE_BACKS_AT_ONCE = 100
IDS_IN_A_LINE = 100
# What is counted when it happens, and rings: it is counted each minute as well for as long as something waits for it.
GOES_ON = {"account_refused": Metric.ACCOUNT_REFUSED, "unreadable": Metric.UNREADABLE_ROWS}
MOST_KINDS_NAMED = 5
CATCH_UP_SECONDS = 45.0  # a run that does not watch works on while notes are left, until the next one comes
SHORTEST_PAUSE_SECONDS = 0.3  # between two passes of an idle relay
PAUSE_PER_PASS = 10  # a slow pass is repeated less often: at most a tenth of the time is spent looking


@dataclass(frozen=True, slots=True)
class RelayServices:
    """What a relay run works with."""

    store: PostgresRelay
    queue: Queue
    journal: Journal
    environment: tuple[str, str] | None  # the kind of platform and its address, as the settings have them
    watch_seconds: float
    sleep: Callable[[float], None] = time.sleep
    portion_seconds: float = 5.0  # of notes: then what is due has its turn


def relay_submissions(services: RelayServices, remaining_seconds: float = float("inf")) -> None:
    """One run: everything due now, then watch until a newer run has begun or the time is over.

    Args:
        remaining_seconds: what the function has left before it is stopped; nothing is begun after it.

    Raises:
        DatabaseUnavailableError: nothing is lost, the next run does it.
        EnvironmentMismatchError: this database belongs to another environment.
    """
    began = time.monotonic()
    ends_at = began + remaining_seconds
    stop_at = min(began + services.watch_seconds, ends_at)
    catch_up_until = min(began + max(services.watch_seconds, CATCH_UP_SECONDS), ends_at)
    if services.environment:
        services.store.check_environment(*services.environment)
    run = services.store.begin_run()
    last = relay_once(services, ends_at)
    _report_vitals(services)
    services.store.passed()
    while True:
        began = time.monotonic()
        anything, newest = services.store.look(run)
        if not newest or began >= (catch_up_until if last is Round.UNFINISHED else stop_at):
            return
        last = relay_once(services, ends_at) if anything else Round.NOTHING
        if last is Round.NOTHING:
            pause = max(SHORTEST_PAUSE_SECONDS, PAUSE_PER_PASS * (time.monotonic() - began))
            services.sleep(max(0.0, min(pause, stop_at - time.monotonic())))


class Round(IntEnum):
    """What one round of the relay came to: another at once is worth while after any but NOTHING."""

    NOTHING = 0
    MOVED = 1
    UNFINISHED = 2  # notes are left: what is due had its turn between two portions


def relay_once(services: RelayServices, ends_at: float = float("inf")) -> Round:
    """A portion of notes, and whatever else is due now; nothing is begun after `ends_at` (monotonic)."""
    opened, unfinished = _take_notes(services, ends_at)
    moved = opened + _do_due(services, ends_at)
    return Round.UNFINISHED if unfinished else Round.MOVED if moved else Round.NOTHING


def _take_notes(services: RelayServices, ends_at: float) -> tuple[int, bool]:
    """How many submissions were opened, and whether the portion's time was over before the notes: somebody may write for hours."""
    opened, stop_at = 0, time.monotonic() + services.portion_seconds
    while time.monotonic() < ends_at and (taken := services.store.take_notes(NOTES_AT_ONCE)).notes:
        opened += taken.opened
        _report_taken(taken, services)
        if time.monotonic() >= stop_at:
            return opened, True
    return opened, False


def _report_taken(taken: NotesTaken, services: RelayServices) -> None:
    services.journal.event(
        "notes.taken", notes=taken.notes, opened=taken.opened, repeated=taken.repeated, broken=taken.broken
    )
    if taken.oldest_seconds is not None:
        services.journal.count(Metric.COMMIT_TO_NOTICE_SECONDS, taken.oldest_seconds)
    if taken.repeated:
        services.journal.count(Metric.ROWS_HEALED, taken.repeated)
    if taken.broken:
        services.journal.count(Metric.UNREADABLE_ROWS, taken.broken)
    if taken.not_shown:
        _report_not_shown(taken.not_shown, services)
    if taken.mismatched:
        _report_mismatched(taken.mismatched, services)


def _do_due(services: RelayServices, ends_at: float) -> int:
    if time.monotonic() >= ends_at:
        return 0
    if expired := services.store.end_expired_leases():
        services.journal.warning("leases.expired", submissions=expired)
    _repeat_write_backs(services)
    return expired + _queue_due(services, ends_at)


def _report_not_shown(keys: int, services: RelayServices) -> None:
    """A row that was deleted, or one that the view leaves out: nobody would ever send it."""
    services.journal.count(Metric.KEYS_NOT_SHOWN, keys)
    services.journal.warning(
        "keys.not_shown", invoices=keys,
        next_step="deleted rows aside, let facteur.invoice_source show every row, and `ready` say which are sent",
    )  # fmt: skip


def _report_mismatched(rows: int, services: RelayServices) -> None:
    """Such a row is shown an error: a person must hear of it, as of a failure."""
    services.journal.count(Metric.FAILURES, rows)
    services.journal.warning(
        "rows.mismatched", invoices=rows,
        next_step="each asks for another invoice than was sent for its key: see facteur list --mismatched",
    )  # fmt: skip


def _queue_due(services: RelayServices, ends_at: float) -> int:
    """Put due rows onto the queue; exactly what SQS accepted is marked."""
    total = 0
    while time.monotonic() < ends_at:
        with services.store.pick_due(ROWS_AT_ONCE) as due:
            accepted = services.queue.send(due.submission_ids, ends_at) if due.submission_ids else []
            due.mark_queued(accepted)
        _report_queued(accepted, services)
        total += len(accepted)
        if len(accepted) < len(due.submission_ids):
            services.journal.warning("queue.refused", submissions=len(due.submission_ids) - len(accepted))
        if len(accepted) < ROWS_AT_ONCE:
            break
    return total


def _report_queued(submission_ids: Sequence[int], services: RelayServices) -> None:
    """Each by its id, but many in a line: a line of its own for each would take a tenth of the relay's time."""
    for start in range(0, len(submission_ids), IDS_IN_A_LINE):
        ids = submission_ids[start : start + IDS_IN_A_LINE]
        services.journal.event("submissions.queued", submissions=len(ids), submission_ids=ids)


def _repeat_write_backs(services: RelayServices) -> None:
    written, refused = services.store.repeat_write_backs(WRITE_BACKS_AT_ONCE)
    if written or refused:
        services.journal.event("write_backs.repeated", written=written, refused=refused)
        services.journal.count(Metric.WRITE_BACKS_REFUSED, refused)


def _report_vitals(services: RelayServices) -> None:
    """What alarms watch, whether anything moved or not; that they are counted at all says that the relay runs."""
    vitals, count = services.store.vitals(), services.journal.count
    count(Metric.OLDEST_OVERDUE_SECONDS, vitals.overdue_seconds)
    count(Metric.OLDEST_DOUBT_SECONDS, vitals.doubt_seconds)
    count(Metric.OLDEST_UNWRITTEN_SECONDS, vitals.unwritten_seconds)
    count(Metric.OLDEST_UNDEPOSITED_DAYS, vitals.undeposited_days)
    count(Metric.FAILED_INVOICES, vitals.failed)
    count(Metric.BREAKERS_OPEN, vitals.breakers_open)
    count(Metric.ACCOUNTS_PAUSED, vitals.accounts_paused)
    count(Metric.REQUEST_RATE_PERCENT, vitals.rate_percent)
    count(Metric.BUDGET_USE_PERCENT, vitals.budget_use_percent)
    count(Metric.OLDEST_SILENT_SECONDS, vitals.silent_seconds)
    count(Metric.OLDEST_UNREAD_SECONDS, vitals.unread_seconds)
    count(Metric.DEPOSITS_NOT_SHOWN, vitals.not_shown)
    count(Metric.UNVERIFIED_WRITE_BACKS, vitals.unverified)
    _count_waiting(services)
    count(Metric.INSTALLATION_FAULTS, len(vitals.faults))
    if vitals.faults:
        services.journal.warning("installation.faults", faults=list(vitals.faults), next_step="facteur doctor")
    if vitals.forgotten is not None:
        count(Metric.FORGOTTEN_INVOICES, vitals.forgotten)
        _report_unnamed_kinds(services)
    if vitals.forgotten:
        services.journal.warning(
            "invoices.forgotten", invoices=vitals.forgotten,
            next_step="they are noted now; find what writes past the triggers",
        )  # fmt: skip


def _report_unnamed_kinds(services: RelayServices) -> None:
    """Once a day: finished documents of a kind that came up after the installation wait for somebody's word."""
    kinds = services.store.unnamed_kinds()
    services.journal.count(Metric.UNNAMED_KINDS, len(kinds))
    for kind, documents in list(kinds.items())[:MOST_KINDS_NAMED]:
        services.journal.warning(
            "kinds.unnamed", kind=kind[:40], documents=documents,
            next_step="they are not deposited; if they are invoices, let facteur.invoice_source name the kind: see facteur doctor",
        )  # fmt: skip


def _count_waiting(services: RelayServices) -> None:
    """By reason, those that occur; and once whatever has waited for longest."""
    waiting = services.store.oldest_waiting()
    for reason, seconds in waiting.items():
        services.journal.count(Metric.OLDEST_WAITING_SECONDS, seconds, reason=reason)
    for reason, metric in GOES_ON.items():
        if reason in waiting:
            services.journal.count(metric, 1)
    if not waiting:
        services.journal.count(Metric.OLDEST_WAITING_SECONDS, 0)
