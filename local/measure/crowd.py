"""Many submitters at once, each with a message for every row it can find: does the budget hold, and does a pause?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from facteur import container
from facteur.install.wiring import migration_services
from facteur.observability import PowertoolsJournal
from facteur.postgres.database import Database
from facteur.submit_invoices.run import submit_invoices
from facteur.submit_invoices.services import Services
from facteur.submit_invoices.wiring import submit_services
from local.measure.ground import add_invoices, burst, most_in_window
from local.world.levers import World

BATCH = 10
_one_at_a_time = threading.Lock()
PAUSE_BETWEEN_BATCHES_SECONDS = 0.2  # twenty threads and the simulator share this machine
# A message for every row, as if nobody limited the relay; each submitter has rows of its own.
QUEUE = """
update facteur.submissions set queued_at = facteur.now() where id in (
    select id from facteur.submissions
    where state in ('pending', 'in_doubt') and queued_at is null and due_at <= facteur.now() and id %% %(crowd)s = %(place)s
    order by due_at, id limit %(limit)s for update skip locked
) returning id
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a crowd of submitters did."""

    submitters: int
    seconds: float
    asked: int
    deposits: int
    doubles: int
    most_calls_in_ten_seconds: int
    admitted_in_ten_seconds: float
    budget_in_ten_seconds: float
    pause_seconds: float
    calls_while_it_was_learnt: int
    learnt_after_seconds: float
    calls_in_the_pause: int


def crowd(
    world: World, *, submitters: int, seconds: float, per_minute: float, pause_at: float, pause_seconds: int
) -> Crowd:
    """Let them loose for some real seconds; in the middle the platform asks one of them for a pause.

    Calls after that answer are split: those that were under way until the pause was recorded, and those after it.
    """
    add_invoices(world, int(seconds * per_minute / 60 + burst(per_minute)) * 3)
    world.relay()
    world.database.rows("update facteur.submissions set queued_at = null")
    stop = threading.Event()
    with ThreadPoolExecutor(submitters) as threads:
        running = [threads.submit(_submitter, world, place, submitters, stop) for place in range(submitters)]
        time.sleep(pause_at)
        world.simulator.script_endpoint("deposit", [f"429_seconds:{pause_seconds}"])
        time.sleep(seconds - pause_at)
        stop.set()
        asked = sum(each.result() for each in running)
    return _result(world, submitters, seconds, asked, per_minute, pause_seconds)


def _result(world: World, submitters: int, seconds: float, asked: int, per_minute: float, pause_seconds: int) -> Crowd:
    calls = [call for call in world.simulator.calls() if call["endpoint"] != "token"]
    refused_at = next(call["at"] for call in calls if call["status"] == 429)
    later = sorted(call["at"] - refused_at for call in calls if refused_at < call["at"] < refused_at + pause_seconds)
    learnt = _learnt_after(world, refused_at, pause_seconds)
    numbers = [deposit["number"] for deposit in world.simulator.ledger()]
    return Crowd(
        submitters, seconds, asked, len(numbers), len(numbers) - len(set(numbers)),
        most_in_window([call["at"] for call in calls], 10.0), burst(per_minute) + per_minute / 6, per_minute / 6,
        pause_seconds, sum(1 for at in later if at <= learnt), learnt, sum(1 for at in later if at > learnt),
    )  # fmt: skip


def _learnt_after(world: World, refused_at: float, pause_seconds: int) -> float:
    """Seconds from the 429 until the last claim that had its permits before the pause was recorded had been answered."""
    statement = """
    select max(extract(epoch from ended_at))::double precision as at from facteur.attempts
    where started_at < (select paused_until - make_interval(secs => %(pause)s) from facteur.budgets where key = 'account:default')
    """
    return float(world.database.row(statement, {"pause": pause_seconds}).at) - refused_at


def _submitter(world: World, place: int, submitters: int, stop: threading.Event) -> int:
    """One container of submit_invoices, never out of work; how many rows it was given a message for."""
    asked = 0
    with _container() as (database, services):
        while not stop.is_set():
            rows = database.rows(QUEUE, {"crowd": submitters, "place": place, "limit": BATCH})
            asked += len(rows)
            submit_invoices([row.id for row in rows], services)
            stop.wait(PAUSE_BETWEEN_BATCHES_SECONDS)
    return asked


@contextmanager
def _container() -> Iterator[tuple[Database, Services]]:
    """A container of its own: what is built for one thread, it forgets before the next."""
    with _one_at_a_time:
        container.reset()
        services = submit_services(PowertoolsJournal("crowd"))
        database, *_ = migration_services()
    yield database, services
    database.close()
