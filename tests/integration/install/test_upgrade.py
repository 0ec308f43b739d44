"""From a released version with data and running work to a later one, with the old handlers on the new schema, and back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from facteur.install.schema import RETIRED
from local.invoices import sample_invoice
from local.release.frozen import archives
from local.simulator.core.control import Simulator, running_simulator
from local.world.aws import Aws
from local.world.levers import World, built_world
from local.world.postgres import WORKER, create_worker
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.releases import NEXT, Handlers, handlers, released, to_come
from tests.rows import Rows
from tests.two_accounts import SHOW_ACCOUNTS

# The last one, also where the next is frozen already: what is retired serves an older one no longer.
RELEASES = list(archives())[-2:]
ALSO_ON_DEBIAN = True
DEADLINE_SECONDS = 60
HOW = "old code on the new schema needs it. As long as this version is not released: make freeze"
SIGNATURES = """
select p.oid::regprocedure::text || ' returns ' || coalesce(pg_get_function_result(p.oid), '') as name from pg_proc p
where p.pronamespace = 'facteur'::regnamespace
"""
COLUMNS = """
select c.relname as name, array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) order by a.attnum) as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'facteur'::regnamespace and c.relkind = %(kind)s group by 1
"""
CONTENTS = (
    "select coalesce(jsonb_agg(to_jsonb(t) - array['next_words', 'next_number'] order by t), '[]') from facteur.{} t"
)
KEPT = ("submissions", "attempts", "status_events", "transitions", "feeds", "changes", "accounts", "budgets")
DUE = "update facteur.submissions set due_at = facteur.now() where state = 'submitted'"
# The ranks of the invoices, by what they are when the later version comes.
ENDED, FOLLOWED, REJECTED, FAILED, DOUBT, QUEUED, UNDER_WAY, ABANDONED, NOTED = range(1, 10)
OTHERS = {"superpdp": (10, 11, 12), "afnor": (13, 14, 15)}  # followed, in doubt, queued
DOUBTS, WAITING = (DOUBT, 11, 14), (QUEUED, 12, 15)
ON_OTHERS = {rank: platform for platform, ranks in OTHERS.items() for rank in ranks}
BEFORE = {
    ENDED: "closed", FOLLOWED: "submitted", REJECTED: "rejected", FAILED: "failed", UNDER_WAY: "sending", ABANDONED: "sending",
    **dict.fromkeys((10, 13), "submitted"), **dict.fromkeys(DOUBTS, "in_doubt"), **dict.fromkeys(WAITING, "pending"),
}  # fmt: skip
UNSENT = {REJECTED, FAILED}
AFTERWARDS = BEFORE | dict.fromkeys((*DOUBTS, *WAITING, UNDER_WAY, ABANDONED, NOTED), "submitted")


@dataclass
class Company:
    """A world that a released version installed itself in, platforms of the other kinds, and the versions that work there."""

    world: World
    others: Mapping[str, Simulator]
    proxy: AlteringProxy
    stack: ExitStack

    def __post_init__(self) -> None:
        self.answered = threading.Event()
        self.proxy.after = self._answer

    def _answer(self, asked: Asked, said: Said) -> Said:
        """The platform stores these two, and its answers are out for as long as the test says."""
        if any(sample_invoice(rank).number.encode() in asked.body for rank in (UNDER_WAY, ABANDONED)):
            self.answered.wait(DEADLINE_SECONDS)
        return said

    def runs(self, version: str, files: dict[str, bytes]) -> Handlers:
        return self.stack.enter_context(handlers(version, files, self.world.folder))

    def add(self, *ranks: int, **columns: Any) -> None:
        for rank in ranks:
            self.world.add(rank, **columns)
            if rank in ON_OTHERS:
                self.world.update(rank, account=ON_OTHERS[rank])

    def deposit(self, code: Handlers) -> None:
        code.call("relay_submissions")
        self.world.submit(lambda event, _context: code.call("submit_invoices", event))

    def send(self, code: Handlers, rank: int) -> None:
        """The function claims the invoice and sends it, and waits for the answer."""
        self.add(rank)
        code.call("relay_submissions")
        code.begin("submit_invoices", {"Records": self.world.taken()})
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not self.deposits(rank):
            assert time.monotonic() < deadline, code.log.read_text()
            time.sleep(0.02)

    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)
        for simulator in self.others.values():
            simulator.advance(seconds)

    def work(self, code: Handlers, times: int, seconds: float = 700) -> None:
        for _ in range(times):
            self.deposit(code)
            code.call("poll_statuses")
            self.advance(seconds)

    def value(self, statement: str) -> Any:
        return self.world.database.rows(statement)[0][0]

    def states(self) -> dict[int, str]:
        statement = "select invoice_id, state from facteur.submissions"
        found = {row.invoice_id: row.state for row in self.world.database.rows(statement)}
        return {rank: found[str(key)] for rank, key in self.world.ids.items() if str(key) in found}

    def deposits(self, rank: int) -> int:
        simulator = self.others.get(ON_OTHERS.get(rank, ""), self.world.simulator)
        return len(simulator.ledger(sample_invoice(rank).number))

    def contents(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of what must not be lost."""
        return {table: self.value(CONTENTS.format(table)) for table in KEPT}


@pytest.fixture(scope="module")
def started() -> Iterator[Mapping[str, Simulator]]:
    with ExitStack() as stack:
        yield {platform: stack.enter_context(running_simulator(platform=platform)) for platform in OTHERS}


@pytest.fixture
def company(
    empty_url: str,
    simulator: Simulator,
    started: Mapping[str, Simulator],
    aws: Aws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Company]:
    create_worker(empty_url)
    for each in started.values():
        each.reset()
    with ExitStack() as stack:
        proxy = stack.enter_context(altering(simulator.base_url))
        settings = {"WORKER_ROLE": WORKER, "IOPOLE_BASE_URL": proxy.url, "READ_TIMEOUT_SECONDS": str(DEADLINE_SECONDS)}
        world = stack.enter_context(built_world(empty_url, simulator, aws, tmp_path, monkeypatch.setenv, **settings))
        for platform, each in started.items():
            world.put_secret(platform, secret_of(platform, each))
        yield Company(world, started, proxy, stack)


def secret_of(platform: str, simulator: Simulator) -> dict[str, Any]:
    known = {"provider": platform, "client_id": simulator.client_id, "client_secret": simulator.client_secret}
    if platform == "superpdp":
        return known | {"base_url": simulator.base_url}
    urls = {"flow_url": f"{simulator.base_url}/flow-service/v1", "token_url": f"{simulator.auth_url}/oauth2/token"}
    return known | urls


@pytest.mark.parametrize("back", [False, True], ids=["upgraded", "rolled_back"])
@pytest.mark.parametrize("version", RELEASES)
def test_nothing_is_lost_or_sent_twice_while_a_later_version_comes(company: Company, version: str, back: bool) -> None:
    old, worker, doomed = (company.runs(version, released(version)) for _ in range(3))
    later = company.runs(NEXT, to_come())
    lives(company, old)
    company.send(worker, UNDER_WAY)
    company.send(doomed, ABANDONED)
    company.add(*WAITING)
    old.call("relay_submissions")
    company.add(NOTED)
    assert company.states() == BEFORE
    assert company.value("select count(reached) from facteur.feeds") == len(OTHERS)
    before = company.contents()

    migrated = later.call("migrate_database")
    company.advance(0)  # a migration puts the clock back in its place as well

    assert (migrated["version"], migrated["applied"][-1]) == (NEXT, "9000_next.sql")
    after = company.contents()
    for table, rows in before.items():  # in the columns that there were
        assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows, table

    doomed.die()
    company.answered.set()
    worker.finish()
    assert company.states() == BEFORE | {UNDER_WAY: "submitted"}
    company.work(old, 2)
    if back:
        assert old.call("migrate_database") == {"version": NEXT, "applied": [], "watching": True, "faults": []}
    company.work(old if back else later, 10)

    assert company.states() == AFTERWARDS
    assert {rank: company.deposits(rank) for rank in AFTERWARDS} == {
        rank: int(rank not in UNSENT) for rank in AFTERWARDS
    }
    shown = {rank: company.world.row(rank).technical_status for rank in AFTERWARDS}
    assert shown == dict.fromkeys(AFTERWARDS, "validated") | {REJECTED: "rejected", FAILED: "error"}
    assert company.value("select count(*) from facteur.waiting") == 0


def lives(company: Company, code: Handlers) -> None:
    """The version installs itself, and has invoices in every state in which none is under way."""
    world = company.world
    assert code.call("migrate_database")["version"] == code.version
    world.database.rows(SHOW_ACCOUNTS)
    company.add(ENDED, FOLLOWED, REJECTED, *(ranks[0] for ranks in OTHERS.values()))
    company.add(FAILED, uri="invoice.xml")
    world.simulator.script(sample_invoice(REJECTED).number, ["400"])
    company.work(code, 1)
    world.simulator.add_status(world.submission(ENDED).platform_id, "210")
    world.database.rows(DUE)
    company.work(code, 1)
    company.add(*DOUBTS)
    for simulator in (world.simulator, *company.others.values()):
        simulator.script_endpoint("deposit", ["lost_answer"])
    company.deposit(code)


@pytest.mark.parametrize("version", RELEASES)
def test_what_released_code_calls_and_reads_is_there_as_it_was(company: Company, rows: Rows, version: str) -> None:
    """A function's signature, a table's and a view's columns in their order: in a new database, where nothing is left over."""
    company.runs(version, released(version)).call("migrate_database")
    then = company.world.database

    gone = _names(then.rows(SIGNATURES)) - _names(rows.run(SIGNATURES))
    assert {each.partition(" returns ")[0] for each in gone} <= set(RETIRED), f"{gone}: {HOW}"
    for kind in "vr":
        columns = {row.name: row.columns for row in rows.run(COLUMNS, kind=kind)}
        for row in then.rows(COLUMNS, {"kind": kind}):
            assert columns[row.name][: len(row.columns)] == row.columns, f"facteur.{row.name}: {HOW}"


def _names(found: list[Any]) -> set[str]:
    return {row.name for row in found}
