"""What an adversary found about accounts: rows that change theirs, secrets that lead elsewhere, one that pauses."""

from __future__ import annotations

from typing import Any

import pytest

from facteur.errors import EnvironmentMismatchError
from local.measure.ground import add_invoices, states, work_off
from local.world.levers import World, platform_secret
from tests.two_accounts import FIRST, SECOND, deposited_by

GIVEN_UP_AFTER = 600
PATIENCE = 100  # look-ups: the back-off is random
AT_ONCE = 20  # histories that a run takes at a time


@pytest.fixture
def settings() -> dict[str, str]:
    return {"GIVE_UP_AFTER_SECONDS": str(GIVEN_UP_AFTER), "STATUS_SOURCE": "history"}


def only(world: World) -> Any:
    """The only invoice's latest submission."""
    return world.database.row("select * from facteur.submissions order by id desc limit 1")


def test_a_row_whose_account_is_corrected_before_anything_was_sent_goes_by_the_corrected_one(two: World) -> None:
    add_invoices(two, 1, "secnod")
    work_off(two)
    assert (only(two).state, only(two).account) == ("pending", "secnod")

    two.database.rows("update invoicing.invoices set account = 'second'")
    work_off(two)

    assert deposited_by(two) == [SECOND["client_id"]]
    assert (only(two).state, only(two).account) == ("submitted", "second")


def test_a_doubt_stays_with_the_account_that_it_was_sent_by(two: World) -> None:
    two.simulator.script(FIRST, ["lost_answer"])
    add_invoices(two, 1)
    work_off(two)
    assert only(two).state == "in_doubt"

    two.database.rows("update invoicing.invoices set account = 'second'")
    two.advance(60)
    work_off(two)

    assert deposited_by(two) == [two.simulator.client_id]
    assert (only(two).state, only(two).account) == ("submitted", "default")


def test_a_doubt_that_was_given_up_is_looked_up_with_the_account_that_it_was_sent_by(two: World) -> None:
    two.simulator.script(FIRST, ["lost_answer"])
    two.simulator.outage(1e9, "400", ["search"])  # a platform that is down would be no reason to give up
    add_invoices(two, 1)
    work_off(two)
    for _ in range(PATIENCE):
        if only(two).state == "failed":
            break
        two.advance(GIVEN_UP_AFTER)
        work_off(two)
    assert only(two).state == "failed"
    two.simulator.outage(0)

    two.database.rows("update invoicing.invoices set account = 'second', technical_status = 'pending'")
    two.advance(60)
    work_off(two)

    assert deposited_by(two) == [two.simulator.client_id]
    assert (only(two).state, only(two).account) == ("submitted", "default")


@pytest.mark.parametrize("fault", ["lost_answer", "409"])
def test_a_secret_that_leads_elsewhere_stops_everything_while_the_first_deposit_is_in_doubt(
    two: World, fault: str
) -> None:
    two.simulator.script(FIRST, [fault])
    add_invoices(two, 1)
    work_off(two)
    assert states(two) == {"in_doubt": 1}

    two.put_secret("default", SECOND)
    two.new_container()
    two.advance(60)
    two.relay()
    with pytest.raises(EnvironmentMismatchError):
        two.submit()
    assert states(two) == {"in_doubt": 1}

    two.put_secret("default", platform_secret(two.simulator))
    two.new_container()
    two.submit()
    assert {deposit["account"] for deposit in two.simulator.ledger()} <= {two.simulator.client_id}


def test_a_paused_account_keeps_no_other_from_its_statuses(two: World) -> None:
    add_invoices(two, AT_ONCE + 1, "second")
    add_invoices(two, 1)
    for _ in range(5):
        work_off(two)
        two.advance(10)
    assert states(two) == {"submitted": AT_ONCE + 2}
    two.database.rows("update facteur.submissions set due_at = facteur.now() where account = 'default'")
    two.database.rows("select facteur.pause('account:second', 600, 'too_many_requests')")

    two.poll()

    known = two.database.rows("select distinct account from facteur.submissions where lifecycle_code is not null")
    assert [row.account for row in known] == ["default"]
