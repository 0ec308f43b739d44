"""Dated routes: from a day on an account's invoices go to another platform or client; what went before is followed where it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from facteur import container
from facteur.errors import AccountRefusedError, EnvironmentMismatchError
from facteur.observability import PowertoolsJournal
from facteur.submit_invoices.wiring import submit_services
from local.measure.ground import add_invoices, states, work_off
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World, platform_secret
from tests.rows import Rows
from tests.two_accounts import FIRST, SECOND, deposited_by

ROUTE = """
insert into facteur.routes (account, since, credentials) values (%(account)s, facteur.now() + make_interval(secs => %(after)s), %(to)s)
"""
OWN_ADDRESSES = "select name from facteur.accounts where own_address order by name"
ROUNDS = 14  # of 160 seconds: a doubt is settled after 600
LEASE_OVER = 61


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Simulator]:
    """A second platform, at an address of its own."""
    with running_simulator(history_quota=0) as simulator:
        simulator.configure(validate_schema=False, open_directory=True)
        yield simulator


def route(where: Rows | World, after: float = 0, to: str = "second", account: str = "default") -> None:
    where.database.rows(ROUTE, {"account": account, "after": after, "to": to})


def until_settled(world: World) -> None:
    for _ in range(ROUNDS):
        world.advance(160)
        work_off(world)


def accounts(world: World) -> list[str]:
    return [row.account for row in world.database.rows("select account from facteur.submissions order by id")]


def test_what_is_opened_before_the_date_goes_the_old_way_and_what_is_opened_after_it_the_new_one(two: World) -> None:
    route(two, after=3600)
    add_invoices(two, 1)
    work_off(two)
    two.advance(3601)
    add_invoices(two, 1)
    work_off(two)

    assert deposited_by(two) == [two.simulator.client_id, SECOND["client_id"]]
    assert accounts(two) == ["default", "second"]


def test_the_last_route_that_has_begun_holds_and_of_one_date_the_one_recorded_last(rows: Rows) -> None:
    for after, to in ((-20, "a"), (-10, "b"), (10, "d"), (-10, "c")):
        route(rows, after, to)

    assert rows.value("select facteur.routed('default', facteur.now())") == "c"
    assert rows.value("select facteur.routed('default', facteur.now() - interval '15 seconds')") == "a"
    assert rows.value("select facteur.routed('default', facteur.now() - interval '1 hour')") == "default"
    assert rows.value("select facteur.routed('another', facteur.now())") == "another"


def test_what_waits_on_the_day_is_sent_the_new_way_and_only_there(two: World) -> None:
    two.database.rows("select facteur.pause('account:default', 86400, 'platform_down')")
    add_invoices(two, 3)
    work_off(two)
    route(two, after=60)
    work_off(two)
    assert deposited_by(two) == []

    two.advance(61)
    work_off(two)

    assert deposited_by(two) == [SECOND["client_id"]] * 3
    assert set(accounts(two)) == {"second"}


def test_what_a_worker_has_read_before_the_route_is_not_claimed_with_the_old_account(rows: Rows) -> None:
    invoice = rows.noted()
    waiting = rows.queued(invoice)
    route(rows)
    rows.relay.begin_run()
    rows.look()

    item = {"id": waiting.submission_id, "tries": waiting.tries, "sha256": "ab" * 32}
    assert rows.claim_items([item]) == []
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=waiting.submission_id)
    (answer,) = rows.claim_items([item])

    assert (answer.verdict, rows.submission(invoice).account) == ("stale", "second")


@pytest.mark.parametrize(
    ("state", "account", "opened"),
    [
        ("pending", "second", ["pending"]),
        ("sending", "default", ["sending"]),
        ("in_doubt", "default", ["in_doubt"]),
        ("submitted", "default", ["submitted"]),
        ("closed", "default", ["closed"]),
        ("rejected", "second", ["rejected", "pending"]),
        (
            "failed",
            "default",
            ["failed", "in_doubt"],
        ),  # an attempt's outcome is unknown: it is looked up where it was made
    ],
)
def test_a_route_moves_only_what_certainly_deposited_nothing(rows: Rows, state: str, account: str, opened: Any) -> None:
    invoice = rows.noted()
    rows.reach(invoice, state) if state != "sending" else rows.claim(invoice)
    route(rows)
    rows.relay.begin_run()

    rows.update(invoice, technical_status="pending", total=121)
    rows.look()

    assert rows.states(invoice) == opened
    assert rows.submission(invoice).account == account


def test_a_deposit_under_way_on_the_day_is_looked_up_where_it_was_sent(rows: Rows) -> None:
    invoice = rows.noted()
    rows.claim(invoice)
    route(rows)
    rows.advance(LEASE_OVER)
    rows.relay.begin_run()
    rows.relay.end_expired_leases()
    rows.update(invoice, total=121)
    rows.look()

    assert (rows.submission(invoice).state, rows.submission(invoice).account) == ("in_doubt", "default")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["lost_answer", "503", "503_stored", "no_id"])
def test_a_doubt_is_settled_with_the_old_account_and_never_sent_with_the_new_one(two: World, fault: str) -> None:
    two.simulator.script(FIRST, [fault])
    add_invoices(two, 2)  # the other one is the look-up's witness
    work_off(two)
    assert states(two) == {"in_doubt": 1, "submitted": 1}
    route(two)
    two.database.rows(
        "update invoicing.invoices set technical_status = 'pending', total = total + 1 where invoice_number = %(number)s",
        {"number": FIRST},
    )

    until_settled(two)

    assert deposited_by(two) == [two.simulator.client_id] * 2
    assert set(accounts(two)) == {"default"}


def test_a_rejected_invoice_is_corrected_the_new_way(two: World) -> None:
    two.simulator.script(FIRST, ["400"])
    add_invoices(two, 1)
    work_off(two)
    assert states(two) == {"rejected": 1}
    route(two)

    two.database.rows("update invoicing.invoices set technical_status = 'pending'")
    work_off(two)

    assert (deposited_by(two), accounts(two)) == ([SECOND["client_id"]], ["default", "second"])


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "sweep"}, {"STATUS_SOURCE": "history"}])
def test_what_was_deposited_is_followed_on_its_own_platform_by_its_own_secret(two: World, elsewhere: Simulator) -> None:
    elsewhere.reset()
    elsewhere.configure(validate_schema=False, open_directory=True)
    add_invoices(two, 1)
    work_off(two)
    new = platform_secret(elsewhere) | {"base_url": elsewhere.base_url, "auth_url": elsewhere.auth_url}
    two.put_secret("new", new)
    route(two, to="new")
    two.new_container()
    add_invoices(two, 1)
    two.database.rows("update invoicing.invoices set technical_status = 'pending'")

    work_off(two)
    for _ in range(3):
        two.advance(60)
        elsewhere.advance(60)
        two.poll()

    (old,), (young,) = two.simulator.ledger(), elsewhere.ledger()
    rows = two.database.rows("select account, platform_id, lifecycle_code from facteur.submissions order by id")
    assert [(row.account, row.platform_id) for row in rows] == [("default", old["id"]), ("new", young["id"])]
    assert None not in [row.lifecycle_code for row in rows]
    assert [row.name for row in two.database.rows(OWN_ADDRESSES)] == ["new"]


def test_the_setting_may_change_once_the_old_accounts_secret_names_the_old_platform(
    two: World, elsewhere: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_invoices(two, 1)
    work_off(two)
    old = platform_secret(two.simulator) | {"base_url": two.simulator.base_url, "auth_url": two.simulator.auth_url}
    two.put_secret("default", old)
    two.new_container()
    two.advance(60)
    two.poll()  # compares the pin, and remembers that the secret names its platform

    monkeypatch.setenv("IOPOLE_BASE_URL", elsewhere.base_url)
    monkeypatch.setenv("IOPOLE_AUTH_URL", elsewhere.auth_url)
    two.new_container()
    add_invoices(two, 1)
    work_off(two)

    assert deposited_by(two) == [two.simulator.client_id] * 2


def test_a_secret_that_names_another_platform_than_the_pin_stops_everything(two: World, elsewhere: Simulator) -> None:
    add_invoices(two, 1)
    work_off(two)
    moved = platform_secret(two.simulator) | {"base_url": elsewhere.base_url, "auth_url": elsewhere.auth_url}
    two.put_secret("default", moved)
    two.new_container()
    add_invoices(two, 1)
    two.relay()

    with pytest.raises(
        EnvironmentMismatchError, match="account default of this database is pinned to another platform"
    ):
        two.submit()

    assert two.database.rows(OWN_ADDRESSES) == []
    assert len(deposited_by(two)) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_url": "https://api.example.org"}, "auth_url"),
        ({"auth_url": "https://auth.example.org"}, "base_url"),
        ({"base_url": "http://api.example.org", "auth_url": "https://auth.example.org"}, "base_url"),
        ({"base_url": "https://api.example.org/v1", "auth_url": 7}, "base_url, auth_url"),
    ],
)
def test_half_an_address_pauses_the_account_and_sends_its_secret_nowhere(
    two: World, given: dict[str, Any], said: str
) -> None:
    two.put_secret("second", SECOND | given)
    add_invoices(two, 1, "second")
    add_invoices(two, 1)

    work_off(two)

    assert deposited_by(two) == [two.simulator.client_id]
    (waiting,) = two.database.rows("select state, last_error_message from facteur.submissions where account = 'second'")
    assert (waiting.state, f"missing or wrong {said}." in waiting.last_error_message) == ("pending", True)


def test_a_sandbox_flag_that_contradicts_the_secrets_own_platform_stops_no_other_account(two: World) -> None:
    production = {"base_url": "https://api.iopole.com", "auth_url": "https://auth.iopole.com", "sandbox": True}
    two.put_secret("second", SECOND | production)
    add_invoices(two, 1, "second")
    add_invoices(two, 1)

    work_off(two)

    assert deposited_by(two) == [two.simulator.client_id]
    assert states(two) == {"pending": 1, "submitted": 1}


def test_an_account_needs_no_deployment_but_a_secret_and_a_row(two: World) -> None:
    two.simulator.add_account("third@facteur.example", "third", "customer-3")
    add_invoices(two, 1, "third")
    work_off(two)
    assert states(two) == {"pending": 1}

    two.put_secret(
        "third", {"client_id": "third@facteur.example", "client_secret": "third", "customer_id": "customer-3"}
    )
    two.advance(301)
    work_off(two)

    assert deposited_by(two) == ["third@facteur.example"]


def test_a_platform_that_moves_while_a_function_works_is_left_alone_until_the_next_invocation(
    two: World, elsewhere: Simulator
) -> None:
    here = {"base_url": two.simulator.base_url, "auth_url": two.simulator.auth_url}
    there = {"base_url": elsewhere.base_url, "auth_url": elsewhere.auth_url}
    two.put_secret("second", SECOND | here)
    platforms = submit_services(PowertoolsJournal("moves")).platforms
    platforms.of("second")

    two.put_secret("second", SECOND | there)
    container.secrets().read(f"{two.prefix}/second", fresh=True)  # its time was over
    with pytest.raises(AccountRefusedError, match="names another platform or client than a moment ago"):
        platforms.identity("second")

    platforms = submit_services(PowertoolsJournal("moves")).platforms
    platforms.of("second")
    assert platforms.identity("second")["base_url"] == elsewhere.base_url


def test_many_that_wait_on_the_day_are_noted_a_thousand_at_a_time(rows: Rows) -> None:
    rows.run(
        "insert into facteur.submissions (invoice_id, account, state, due_at) "
        "select n::text, case when n > 2100 then 'another' else 'default' end, 'pending', facteur.now() "
        "from generate_series(1, 2500) n"
    )
    route(rows, after=60)

    applied = [rows.value("select facteur.apply_routes()")]
    rows.advance(61)
    applied += [rows.value("select facteur.apply_routes()")]
    rows.advance(901)
    applied += [rows.value("select facteur.apply_routes()")]

    assert applied == [0, 1, 0]
    assert sorted(len(note) for note in rows.notes()) == [100, 1000, 1000]
