"""One reason and one age for whatever waits, and a status that is never green while something does not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local.invoices import sample_invoice
from local.world.levers import World
from tests.operator import Operator
from tests.rows import Rows


def waits(world: World | Rows) -> dict[str, int]:
    return {row.reason: row.count for row in world.database.rows("select reason, count from facteur.waiting")}


def age(world: World, reason: str) -> float:
    """Seconds since the oldest of a reason was ready."""
    statement = (
        "select extract(epoch from facteur.now() - oldest)::float as age from facteur.waiting where reason = %(reason)s"
    )
    return float(world.database.row(statement, {"reason": reason}).age)


def troubles(operator: Operator) -> list[str]:
    """Without what a world does not have."""
    result = [each["what"] for each in operator.ask("status")["troubles"]]
    return [what for what in result if "no dead-letter queue" not in what]


def a_note(world: World) -> None:
    world.add(1)


def a_message(world: World) -> None:
    world.add(1)
    world.relay()


def a_pause(world: World) -> None:
    world.database.rows(
        "insert into facteur.budgets (key, hold_until, hold_by, hold_why) values ('account:default', 'infinity', 'me', 'x')"
    )
    world.add(1)
    world.relay()


def a_doubt(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1)
    world.deposit()


def a_silent_row(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["429"])
    world.add(1)
    world.deposit()


@pytest.mark.parametrize(
    ("trouble", "reason", "count"),
    [
        (a_note, "relay", 1), (a_message, "queued", 1), (a_pause, "account_paused", 1), (a_doubt, "in_doubt", 1),
        (a_silent_row, "request_limit", 1),
    ],
)  # fmt: skip
def test_what_waits_has_one_reason_and_an_age_that_grows_whatever_is_due_when(
    world: World, trouble: Callable[[World], None], reason: str, count: int
) -> None:
    trouble(world)
    assert waits(world) == {reason: count}
    before = age(world, reason)

    world.database.rows(
        "update facteur.submissions set due_at = facteur.now() + interval '7 minutes', queued_at = queued_at + interval '1 minute'"
    )
    world.advance(60)

    assert 60 <= age(world, reason) - before < 70


def test_the_age_of_a_message_does_not_begin_anew_when_it_is_sent_again(world: World) -> None:
    world.add(1)
    for _ in range(9):
        world.relay()
        world.advance(600)

    assert age(world, "queued") >= 5400
    assert world.database.row("select facteur.oldest_overdue_seconds() as seconds").seconds >= 5400


RAISES_ON_13 = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, 1 / (total - 13) as total, currency, technical_status, 'default' as account, submission_id,
       false as finished
from invoicing.invoices
"""


def test_the_age_of_rows_that_cannot_be_read_does_not_begin_anew_when_they_are_tried_again(rows: Rows) -> None:
    rows.run(RAISES_ON_13)
    first = rows.finish()
    rows.update(first, total=13)
    rows.look()
    rows.advance(1000)
    second = rows.finish()
    rows.update(second, total=13)

    for _ in range(3):
        rows.look()
        rows.advance(301)
    rows.update(first, total=13)  # written again, and as bad
    rows.look()

    ages = [row.age for row in rows.run(UNREADABLE_AGES)]
    assert [round(age, -2) for age in ages] == [900, 1900]
    assert rows.value("select seconds from facteur.oldest_waiting() where reason = 'unreadable'") > 1800
    rows.update(first, total=14)
    rows.advance(301)
    rows.look()
    assert rows.value("select seconds from facteur.oldest_waiting() where reason = 'unreadable'") < 1300


UNREADABLE_AGES = """
select extract(epoch from facteur.now() - min(since))::float as age from facteur.waiting_rows w
join facteur.changes c on coalesce(c.broken_since, c.noted_at) = w.since where reason = 'unreadable' group by c.invoice_ids order by 1
"""


def test_a_limit_is_shown_with_how_many_wait_and_for_how_long(world: World, operator: Operator) -> None:
    world.relay()
    world.database.rows("insert into facteur.budgets (key, per_minute) values ('account:default', 2)")
    for rank in range(13):
        world.add(rank)
    world.deposit()

    result = operator.run("status")

    assert result.code == 1
    assert "11 wait for the account's limit of 2 a minute, about 6 min" in result.out
    assert "facteur limit default N" in result.out
    (waiting,) = operator.ask("status")["waiting"]
    assert (waiting["reason"], waiting["account"], waiting["count"]) == ("account_limit", "default", 11)


def test_deposits_that_are_followed_are_not_waiting(world: World) -> None:
    world.add(1)
    world.deposit()

    assert world.submission(1).state == "submitted"
    assert waits(world) == {}


def test_at_a_million_deposits_what_waits_is_found_by_small_indexes(rows: Rows) -> None:
    rows.run("""
        insert into facteur.submissions
            (invoice_id, account, state, platform_id, submitted_at, due_at, lifecycle_code, written_status)
        select 'D-' || n, 'default', 'submitted', 'd-' || n, facteur.now(), facteur.now(), '203', 'validated'
        from generate_series(1, 20000) n
    """)
    rows.noted()
    rows.run("vacuum analyze facteur.submissions")
    rows.run("select from facteur.waiting")  # what its functions are is looked up once in a session

    plan = rows.value("explain (analyze, buffers, format json) select * from facteur.waiting")[0]["Plan"]

    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100


# --- how runs end ----------------------------------------------------------------------------------------------------------


def the_pin(world: World) -> None:
    pin = '{"provider": "iopole", "base_url": "https://elsewhere", "client": "x"}'
    world.database.rows(
        "insert into facteur.accounts (name, pin) values ('default', %(pin)s) "
        "on conflict (name) do update set pin = excluded.pin",
        {"pin": pin},
    )


def a_function_that_is_gone(world: World) -> None:
    world.database.rows("drop function facteur.vitals")


def the_runs_of_poll(world: World) -> None:
    world.database.rows("alter function facteur.claim_sweep rename to gone")


@pytest.mark.parametrize(
    ("trouble", "run", "name"),
    [
        (the_pin, World.relay, "relay_submissions raised EnvironmentMismatchError"),
        (a_function_that_is_gone, World.relay, "relay_submissions raised ConfigurationError"),
        (the_runs_of_poll, World.poll, "poll_statuses raised ConfigurationError"),
    ],
)
def test_a_run_that_raises_is_reported_at_once(
    world: World, operator: Operator, trouble: Callable[[World], None], run: Callable[[World], Any], name: str
) -> None:
    world.relay()
    world.poll()
    assert troubles(operator) == []
    trouble(world)

    for _ in range(2):
        with pytest.raises(Exception, match=r".*"):
            run(world)

    (result,) = troubles(operator)
    assert result.startswith(name)
    assert "2 times in a row" in result


def test_a_worker_that_raises_is_reported_until_one_ends_well(world: World, operator: Operator) -> None:
    world.poll()
    world.add(1)
    world.relay()
    world.database.rows("alter function facteur.read_batch rename to gone")
    with pytest.raises(Exception, match=r".*"):
        world.submit()
    assert any(what.startswith("submit_invoices raised ConfigurationError") for what in troubles(operator))

    world.database.rows("alter function facteur.gone rename to read_batch")
    world.submit()

    assert troubles(operator) == []


def test_a_run_that_does_not_reach_the_database_is_known_by_the_age_of_the_last_that_did(
    world: World, operator: Operator
) -> None:
    world.relay()
    world.poll()
    world.advance(130)

    assert troubles(operator) == [
        "relay_submissions has not run for 2 minutes",
        "poll_statuses has not run for 2 minutes",
    ]


def test_a_ready_row_that_nobody_opens_for_a_minute_is_reported_while_the_relay_seems_to_run(
    world: World, operator: Operator
) -> None:
    world.relay()
    world.poll()
    world.add(1)
    assert troubles(operator) == []
    world.advance(61)

    assert troubles(operator) == ["1 waits for the relay"]


def test_how_a_run_ended_holds_no_contents(world: World) -> None:
    world.relay()
    world.database.rows("drop function facteur.vitals")
    with pytest.raises(Exception, match=r".*"):
        world.relay()

    (run,) = world.database.rows("select * from facteur.runs")
    assert (run.name, run.error, run.failures) == ("relay_submissions", "ConfigurationError", 1)
