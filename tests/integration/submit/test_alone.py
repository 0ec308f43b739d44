"""A row over which workers die takes no other with it, and comes to an end of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import pytest

from facteur import container
from facteur.domain.ports import Document, Documents
from facteur.domain.submission import Invoice
from facteur.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    EnvironmentMismatchError,
    StatementRefusedError,
)
from facteur.observability import PowertoolsJournal
from facteur.submit_invoices.wiring import submit_services
from functions.submit_invoices import app
from local.invoices import sample_invoice
from local.world.levers import World

POISON, GOOD = 1, 2
VISIBLE_AGAIN_SECONDS = 720  # the queue's VisibilityTimeout


@dataclass
class PoisonousDocuments:
    """Documents of which one does something to whoever reads it."""

    documents: Documents
    number: str
    bite: Callable[[], NoReturn]

    def far(self, invoice: Invoice) -> bool:
        return self.documents.far(invoice)

    def fetch(self, invoice: Invoice, hold_bytes: int | None, longest_bytes: int) -> Document | None:
        if invoice.invoice_number == self.number:
            self.bite()
        return self.documents.fetch(invoice, hold_bytes, longest_bytes)


def raises() -> NoReturn:
    raise RuntimeError("what no code expects")


def database_away() -> NoReturn:
    raise DatabaseUnavailableError("connection lost")


def set_wrongly() -> NoReturn:
    raise ConfigurationError("database: a secret that cannot be read")


def mismatched() -> NoReturn:
    raise EnvironmentMismatchError("an account that is pinned to another platform")


def refused() -> NoReturn:
    raise StatementRefusedError("a statement that this row's values do not fit")


def dies() -> NoReturn:
    os._exit(9)


def deliver(world: World, bite: Callable[[], NoReturn], ids: tuple[int, int], times: int) -> str:
    """Hand both messages to a worker, as SQS does the `times`th time; how it ended."""
    services = submit_services(PowertoolsJournal("test"))
    poisonous = PoisonousDocuments(services.documents, sample_invoice(POISON).number, bite)
    together, again = (ids, ()) if times == 1 else ((), ids)
    try:
        app.submit(together, again, replace(services, documents=poisonous), lambda: float("inf"))
    except (RuntimeError, DatabaseUnavailableError, ConfigurationError) as error:
        return type(error).__name__
    return "done"


def in_a_worker(work: Callable[[], Any]) -> int:
    """Its exit status: the work may end its process."""
    pid = os.fork()
    if not pid:
        container.reset()  # connections are not shared between processes
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def noted(world: World) -> tuple[int, int]:
    for rank in (POISON, GOOD):
        world.add(rank)
    world.relay()
    return world.submission(POISON).id, world.submission(GOOD).id


def test_a_row_that_raises_twice_alone_is_failed_and_the_others_go(world: World) -> None:
    ids = noted(world)

    ends = [deliver(world, raises, ids, times) for times in (1, 2, 3, 4)]

    assert ends == ["RuntimeError", "RuntimeError", "RuntimeError", "done"]
    failed = world.submission(POISON)
    assert (failed.state, failed.last_error_code) == ("failed", "worker_died")
    assert len(world.deposits(GOOD)) == 1
    world.advance(60)
    world.relay()
    assert world.row(POISON).technical_status == "error"


def test_the_others_go_at_the_second_delivery(world: World) -> None:
    ids = noted(world)

    deliver(world, raises, ids, 1)
    deliver(world, raises, ids, 2)

    assert len(world.deposits(GOOD)) == 1
    assert world.submission(POISON).state == "pending"


@pytest.mark.parametrize("bite", [set_wrongly, mismatched])
def test_one_row_that_is_set_wrongly_stops_no_other(world: World, bite: Callable[[], NoReturn]) -> None:
    ids = noted(world)

    deliver(world, bite, ids, 2)

    assert len(world.deposits(GOOD)) == 1


def test_what_is_set_wrongly_for_all_is_met_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that Secrets Manager does not give just now cost some seconds for each of ten messages (torture 111481460)."""
    monkeypatch.setenv("DATABASE_SECRET_ID", f"{world.prefix}/absent")
    world.new_container()
    services, tried = submit_services(PowertoolsJournal("test")), list[float]()

    def remaining() -> float:
        tried.append(1)
        return float("inf")

    with pytest.raises(ConfigurationError, match="could not be read"):
        app.submit((), range(1, 11), services, remaining)

    assert len(tried) == 2 * 2  # asked before each step, and for it


def test_a_row_whose_statement_is_refused_stops_no_other(world: World) -> None:
    ids = noted(world)

    deliver(world, refused, ids, 2)

    assert len(world.deposits(GOOD)) == 1
    assert world.submission(POISON).deaths == 0


def test_a_row_whose_workers_die_twice_alone_is_failed(world: World) -> None:
    poison, good = noted(world)

    ends = []
    for times in (1, 2, 3, 4):
        ends.append(in_a_worker(lambda: deliver(world, dies, (poison, good), times)))  # noqa: B023  called at once
        world.advance(VISIBLE_AGAIN_SECONDS)

    assert ends == [9, 9, 9, 0]
    assert world.submission(POISON).last_error_code == "worker_died"
    assert len(world.deposits(GOOD)) == 1


@pytest.mark.parametrize("rows_there_is_time_for", [0, 1])
def test_a_row_that_there_is_no_time_for_is_not_begun_and_its_message_comes_again(
    world: World, rows_there_is_time_for: int
) -> None:
    """A store that hangs takes a minute a row: the function's timeout is not the second row's doing."""
    ids = noted(world)
    times = iter([app.ALONE_SECONDS] * 2 * rows_there_is_time_for + [app.ALONE_SECONDS - 1] * 9)

    left = app.submit((), ids, submit_services(PowertoolsJournal("test")), lambda: next(times))

    assert left == list(ids[rows_there_is_time_for:])
    assert [world.submission(rank).deaths for rank in (POISON, GOOD)] == [0, 0]
    assert world.submission(GOOD).state == "pending"
    assert [len(world.deposits(rank)) for rank in (POISON, GOOD)] == [rows_there_is_time_for, 0]


def test_the_messages_of_rows_that_were_not_begun_are_given_back(world: World) -> None:
    ids = noted(world)
    records = [
        {
            "messageId": f"m{each}",
            "body": f'{{"submission_id": {each}}}',
            "attributes": {"ApproximateReceiveCount": "2"},
        }
        for each in ids
    ]

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return int(app.ALONE_SECONDS * 1000) - 1000

    answer = app.handler({"Records": records}, Context())

    assert answer["batchItemFailures"] == [{"itemIdentifier": f"m{each}"} for each in ids]


def test_a_database_that_goes_away_is_nobodys_fault(world: World) -> None:
    ids = noted(world)

    ends = {deliver(world, database_away, ids, times) for times in (2, 3, 4, 5)}

    assert ends == {"DatabaseUnavailableError"}
    assert world.submission(POISON).state == "pending"
    assert world.submission(POISON).deaths == 0


def test_one_that_comes_twice_at_once_is_no_death(world: World) -> None:
    ids = noted(world)

    for _ in range(3):
        world.database.rows("select facteur.begin_alone(%(id)s)", {"id": ids[0]})

    assert world.submission(POISON).deaths == 0


@pytest.mark.parametrize("received", ["1", "2"])
def test_the_handler_deposits_whatever_came_before(world: World, received: str) -> None:
    world.add(POISON)
    world.relay()
    records = [record | {"attributes": {"ApproximateReceiveCount": received}} for record in world.messages()]

    assert app.handler({"Records": records}, None) == {"batchItemFailures": []}
    assert len(world.deposits(POISON)) == 1
    assert world.submission(POISON).alone_since is None
