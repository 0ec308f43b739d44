"""Ids are a client's: what another client of the same account's name has under the same id is another deposit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from facteur.poll_statuses.pull_store import PostgresPulls
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.operator import Operator
from tests.rows import Rows
from tests.two_accounts import SHOW_ACCOUNTS

FORMER = {"provider": "superpdp", "base_url": "https://sandbox", "client": "aa"}
NEW = {"provider": "superpdp", "base_url": "https://production", "client": "bb"}
ACT = {"who": "somebody", "why": "production now", "operation": "repin"}
DAY = 86_400.0
LEASE_OVER = 61


def repin(rows: Rows) -> None:
    rows.run("select facteur.repin('default', %(act)s::jsonb)", act=json.dumps(ACT))


def claim(rows: Rows, invoice: str, client: dict[str, str]) -> Any:
    submission = rows.submission(invoice)
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=submission.id)
    item: dict[str, Any] = {"id": submission.id, "tries": submission.tries, "invoice_id": invoice, "platform": client}
    if submission.state == "pending":
        sent = {"invoice_number": submission.invoice_number, "seller_siren": submission.seller_siren}
        item |= {"sha256": f"{invoice} {submission.id}", **sent}
    (claimed,) = rows.claim_items([item])
    assert claimed.verdict == "claimed"
    return claimed


def deposited(rows: Rows, invoice: str, client: dict[str, str], platform_id: str) -> str:
    """What the record says of a deposit that the platform answered with this id."""
    claimed = claim(rows, invoice, client)
    return rows.record(invoice, claimed, "submitted", "accepted", platform_id=platform_id, due_in_seconds=60)


def rejected(rows: Rows, invoice: str) -> None:
    submission = rows.submission(invoice)
    move = {"state": "rejected", "error_code": "213", "error_message": "no"}
    update = {"submission_id": submission.id, "platform_id": submission.platform_id, "events": [], "move": move}
    rows.run("select facteur.record_status_update(%(update)s::jsonb)", update=json.dumps(update | {"decided_on": 0}))


def test_an_id_that_the_former_client_gave_is_the_new_clients_too(rows: Rows) -> None:
    old, new = rows.noted(), rows.noted()
    assert deposited(rows, old, FORMER, "7") == "submitted"
    repin(rows)

    assert deposited(rows, new, NEW, "7") == "submitted"

    assert rows.invoice(new).submission_id == "7"
    assert [s.platform_id for s in map(rows.submission, (old, new))] == ["7", "7"]


def test_a_look_up_finds_a_deposit_with_such_an_id(rows: Rows) -> None:
    old, new = rows.noted(), rows.noted()
    deposited(rows, old, FORMER, "7")
    repin(rows)
    claim(rows, new, NEW)
    rows.advance(LEASE_OVER)
    rows.relay.end_expired_leases()
    look_up = claim(rows, new, NEW)

    assert rows.value("select facteur.taken_elsewhere(%(id)s, array['7'])", id=new) == []
    assert rows.record(new, look_up, "submitted", platform_id="7", due_in_seconds=5) == "submitted"


def test_a_corrected_invoice_may_have_the_id_that_its_rejected_deposit_had_at_the_former_client(rows: Rows) -> None:
    invoice = rows.noted()
    deposited(rows, invoice, FORMER, "7")
    rejected(rows, invoice)
    repin(rows)
    rows.update(invoice, technical_status="pending")
    rows.look()

    assert deposited(rows, invoice, NEW, "7") == "submitted"

    assert rows.states(invoice) == ["rejected", "submitted"]
    assert rows.value("select count(*) from facteur.doubtful_attempts(%(id)s)", id=invoice) == 1


def test_what_a_look_up_shows_of_the_new_clients_deposit_is_not_the_former_ones(rows: Rows) -> None:
    old, new = rows.noted(), rows.noted()
    deposited(rows, old, FORMER, "7")
    repin(rows)
    deposited(rows, new, NEW, "7")

    shown = json.dumps([{"platform_id": "7", "number": rows.submission(new).invoice_number}])
    rows.run("select facteur.check_shown('default', %(shown)s::jsonb)", shown=shown)

    assert [rows.submission(each).objection_code for each in (old, new)] == [None, None]
    assert [rows.invoice(each).technical_status for each in (old, new)] == ["validated", "validated"]


def test_a_number_of_a_former_clients_invoice_stops_that_one_no_more(rows: Rows) -> None:
    """Two clients may have invoices of one number: what the new one shows as another's is not what the former one has."""
    old, new = rows.noted(), rows.noted()
    deposited(rows, old, FORMER, "7")
    repin(rows)
    deposited(rows, new, NEW, "8")

    shown = json.dumps([{"platform_id": "8", "number": rows.submission(old).invoice_number}])
    rows.run("select facteur.check_shown('default', %(shown)s::jsonb)", shown=shown)

    assert [rows.submission(each).objection_code for each in (old, new)] == [None, "shown_as_another"]


def test_another_invoices_deposit_of_the_same_client_keeps_its_id_whatever_its_account_is_called(rows: Rows) -> None:
    """The id is looked up: one of both answers is mistaken."""
    one, two = rows.noted(), rows.noted()
    deposited(rows, one, FORMER, "7")
    rows.run("update facteur.submissions set account = 'renamed' where invoice_id = %(id)s", id=one)
    rows.run("update facteur.attempts set account = 'renamed', platform = null where invoice_id = %(id)s", id=one)

    assert deposited(rows, two, FORMER, "7") == "in_doubt"


def test_a_status_of_the_new_clients_deposit_is_not_the_former_ones(rows: Rows) -> None:
    old, new = rows.noted(), rows.noted()
    deposited(rows, old, FORMER, "7")
    repin(rows)
    deposited(rows, new, NEW, "6")

    assert list(PostgresPulls(rows.database).pulled_deposits("default", ["6", "7"])) == ["6"]


def test_a_search_that_shows_the_new_clients_deposit_says_nothing_of_the_former_ones(rows: Rows) -> None:
    old, new = rows.noted(), rows.noted()
    deposited(rows, old, FORMER, "7")
    repin(rows)
    deposited(rows, new, NEW, "6")

    both = [rows.submission(each) for each in (old, new)]
    shown = {"code": "213", "is_status": True, "due_in": 60, "rank": 0, "over": False, "number": "another-77"}
    seen = [{"id": s.id, "platform_id": s.platform_id, **shown} for s in both]
    rows.run("select facteur.record_sweep('default', %(seen)s::jsonb)", seen=json.dumps(seen))

    assert [s.lifecycle_code for s in map(rows.submission, (old, new))] == [None, "213"]
    assert rows.submission(old).objection_code is None


# --- on a platform that counts its deposits ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_platforms() -> Iterator[tuple[Simulator, Simulator]]:
    with running_simulator(platform="superpdp") as former, running_simulator(platform="superpdp") as new:
        yield former, new


def put(world: World, pdp: Simulator) -> None:
    credentials = {"client_id": pdp.client_id, "client_secret": pdp.client_secret, "base_url": pdp.base_url}
    world.put_secret("pdp", {"provider": "superpdp", **credentials})


def test_a_refusal_at_the_new_client_leaves_the_former_ones_invoice_alone(
    world: World, operator: Operator, two_platforms: tuple[Simulator, Simulator]
) -> None:
    former, new = two_platforms
    world.database.rows(SHOW_ACCOUNTS)
    put(world, former)
    world.add(1)
    world.update(1, account="pdp")
    world.deposit()
    put(world, new)
    assert operator.run("repin", "pdp", "--yes", "--unverified", "--why", "production").code == 0
    world.new_container()
    world.add(2)
    world.update(2, account="pdp")
    world.deposit()
    assert world.submission(1).platform_id == world.submission(2).platform_id
    new.add_status(str(world.submission(2).platform_id), "REJECTED", reason="REJ_SEMAN", author="PLATFORM")

    for seconds in (60.0, *[DAY] * 5):
        for pdp in two_platforms:
            pdp.advance(seconds)
        world.advance(seconds)
        world.poll()
        assert world.row(1).technical_status == "validated"

    assert rejected_ever(world, 2)
    assert not rejected_ever(world, 1)


def rejected_ever(world: World, rank: int) -> bool:
    """Whether a refusal was stored of its deposit."""
    statement = "select count(*) as n from facteur.status_events where submission_id = %(id)s and code = '213'"
    return bool(world.database.row(statement, {"id": world.submission(rank).id}).n)
