"""The database's clock was ahead and is put right: nothing that was planned by it waits for as long as it was ahead."""

from __future__ import annotations

import pytest

from facteur.postgres.database import Database
from local.invoices import sample_invoice
from local.world.levers import NOW, World
from local.world.postgres import as_worker
from tests.rows import Rows

HOUR, DAY = 3600.0, 86_400.0


def set_clock(world: World, seconds: float) -> None:
    """The database's, and nobody else's."""
    world.shift += seconds
    world.database.rows(NOW.format(world.shift))


@pytest.mark.parametrize("ahead", [20 * DAY, 2 * HOUR])
def test_an_invoice_that_was_queued_by_a_clock_ahead_is_deposited_within_the_hour(world: World, ahead: float) -> None:
    set_clock(world, ahead)
    world.add(1)
    world.relay()
    set_clock(world, -ahead)

    for _ in range(12):
        world.submit()  # its message was consumed while it was not due yet
        world.advance(300)
        world.relay()
    world.submit()

    assert world.submission(1).state == "submitted"


@pytest.mark.parametrize("fault", ["lost_answer", "503", "429"])
def test_what_a_clock_ahead_put_off_goes_on_when_it_is_right(world: World, fault: str) -> None:
    world.witness()
    set_clock(world, 20 * DAY)
    world.simulator.script(sample_invoice(1).number, [fault])
    world.add(1)
    world.deposit()
    set_clock(world, -20 * DAY)

    for _ in range(40):
        world.advance(160)
        world.deposit()

    assert world.submission(1).state == "submitted"
    assert len(world.deposits(1)) == 1


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "pull"}, {"STATUS_SOURCE": "history"}], indirect=True)
def test_statuses_are_heard_though_a_poll_was_planned_by_a_clock_ahead(world: World) -> None:
    world.add(1)
    set_clock(world, 20 * DAY)
    world.deposit()
    world.poll()
    world.database.rows("update facteur.sweeps set taken_until = facteur.now() + interval '2 minutes'")
    set_clock(world, -20 * DAY)

    for _ in range(5):
        world.relay()
        world.poll()
        world.advance(70)

    assert world.submission(1).lifecycle_code == "203"


def test_what_was_never_heard_of_is_no_younger_for_a_clock_that_was_ahead(world: World) -> None:
    set_clock(world, 20 * DAY)
    world.add(1)
    world.deposit()
    set_clock(world, -20 * DAY)

    world.relay()
    world.advance(2 * HOUR)

    assert world.database.row("select facteur.oldest_silent_seconds() as seconds").seconds >= 2 * HOUR


def test_a_clock_that_goes_on_as_it_did_moves_nothing(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["429"])
    world.add(1)
    world.deposit()
    due_at = world.submission(1).due_at

    world.advance(1)
    world.relay()

    assert world.submission(1).due_at == due_at


# Timestamps that may lie in the future, and why that silences and delays nothing.
HARMLESS = {
    "accounts.known_since": "a record",
    "attempts.ended_at": "evidence, which only grows; a look-up goes by whichever clock is behind",
    "attempts.started_at": "evidence, which only grows; a look-up goes by whichever clock is behind",
    "attempts.witnessed_at": "the order in which witnesses are asked for",
    "budgets.hold_until": "a person's pause, until an instant that he named",
    "changes.noted_at": "a note is taken by the next run; one that cannot be read has broken_since",
    "migrations.applied_at": "a record",
    "operations.at": "a record, which only grows",
    "transitions.at": "a record, which only grows",
    "routes.recorded_at": "a record",
    "routes.since": "a person's: the instant that he named",
    "status_events.occurred_at": "the platform's date",
    "status_events.recorded_at": "a record",
    "status_events.written_at": "only whether it is there is asked",
    "submissions.deposited_at": "follows from others",
    "submissions.lease_until": "end_expired_leases ends one that is longer than any",
    "submissions.lifecycle_at": "the platform's date",
    "submissions.shown_created_at": "the platform's date",
    "submissions.swept_at": "the platform's date",
    "unmatched_statuses.recorded_at": "deleted a month later",
}
COLUMNS = """
select c.relname as relation, a.attname as name, a.attgenerated <> '' as generated from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = 'facteur'::regnamespace and c.relkind = 'r' and a.atttypid = 'timestamptz'::regtype and a.attnum > 0 order by 1, 2
"""
EVERY_TABLE = """
insert into facteur.submissions (invoice_id, account, state, platform_id, due_at, finalized_at)
values ('1', 'default', 'pending', null, now(), null), ('2', 'default', 'submitted', 'd-2', now(), null),
       ('3', 'default', 'closed', 'd-3', null, now());
insert into facteur.budgets (key) values ('account:default');
insert into facteur.sweeps (account) values ('default');
insert into facteur.feeds (client, since) values ('x', now());
insert into facteur.stores (name, reason) values ('file:', 'x');
insert into facteur.runs (name, ended_at) values ('poll_statuses', now());
insert into facteur.routes (account, since, credentials) values ('a', now(), 'b');
insert into facteur.tallies (name, n, at) values ('forgotten', 1, now());
insert into facteur.not_ready (invoice_id, seen_at) values ('1', now());
insert into facteur.changes (invoice_ids, due_at, error) values ('{9}', now(), 'x');
"""
WHERE = {
    "due_at": "due_at is not null",
    "finalized_at": "state = 'closed'",
    "queued_at": "state = 'pending'",
}  # as constraints have it
TOO_LATE = "select count(*) from facteur.{} where {} > facteur.now() + interval '1 second'"


def test_what_a_clock_ahead_wrote_anywhere_is_no_later_than_now_or_harmless(rows: Rows) -> None:
    rows.run(EVERY_TABLE)
    columns = [each for each in rows.run(COLUMNS) if not each.generated]
    silent = [each for each in columns if f"{each.relation}.{each.name}" not in HARMLESS]
    for each in silent:
        some = WHERE.get(each.name, "true")
        rows.run(f"update facteur.{each.relation} set {each.name} = facteur.now() + interval '20 days' where {some}")
        assert rows.value(f"select count(*) from facteur.{each.relation}") > 0, "a table without a row proves nothing"
    worker = Database(lambda: {"dsn": as_worker(rows.url)})

    worker.rows("select facteur.begin_relay_run(true, 150)")
    worker.close()

    late = {
        f"{each.relation}.{each.name}": n
        for each in silent
        if (n := rows.value(TOO_LATE.format(each.relation, each.name)))
    }
    assert late == {}
    assert set(HARMLESS) <= {f"{each.relation}.{each.name}" for each in rows.run(COLUMNS)}


@pytest.mark.parametrize("ahead", [20 * DAY, 2 * HOUR])
def test_daily_looks_go_on_though_a_clock_that_was_ahead_made_the_last(world: World, ahead: float) -> None:
    set_clock(world, ahead)
    world.relay()
    set_clock(world, -ahead)
    world.relay()
    world.database.rows("alter table invoicing.invoices disable trigger all")
    world.add(1)

    world.advance(DAY + 60)
    world.deposit()
    world.deposit()

    assert world.submission(1).state == "submitted"


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    return dict(getattr(request, "param", {}))
