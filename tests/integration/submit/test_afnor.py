"""An account on a platform of the norm: keys, refusals that are questions, acknowledgements, and messages that name no deposit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import repeat
from random import Random
from typing import Any

import pytest

from facteur import container
from local.invoices import UNKNOWN_BUYER, render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.altering import Asked, Said, altering
from tests.operator import Operator
from tests.two_accounts import SHOW_ACCOUNTS


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with running_simulator(platform="afnor") as simulator:
        yield simulator


@pytest.fixture(params=["1.2", "1.3"])
def pdp(world: World, started: Simulator, request: pytest.FixtureRequest) -> Simulator:
    """Its simulator, and a world whose account `pdp` deposits there."""
    started.reset()
    started.configure(afnor_version=request.param)
    world.database.rows(SHOW_ACCOUNTS)
    put_pdp(world, started)
    return started


def put_pdp(world: World, pdp: Simulator, **more: Any) -> None:
    secret = {
        "provider": "afnor", "client_id": pdp.client_id, "client_secret": pdp.client_secret,
        "flow_url": f"{pdp.base_url}/flow-service/v1", "token_url": f"{pdp.auth_url}/oauth2/token",
    }  # fmt: skip
    world.put_secret("pdp", {**secret, **more})


def add(world: World, rank: int, **columns: Any) -> None:
    world.add(rank, **columns)
    world.update(rank, account="pdp")


def advance(world: World, pdp: Simulator, seconds: float) -> None:
    world.advance(seconds)
    pdp.advance(seconds)


def key_of(world: World, rank: int) -> str:
    (key,) = {each.own_key for each in world.attempts(rank)}
    return str(key)


def worked_off(world: World, pdp: Simulator, times: int = 8, seconds: float = 400.0) -> None:
    for _ in range(times):
        world.deposit()
        advance(world, pdp, seconds)


def all_is_shown_again(world: World, pdp: Simulator) -> None:
    """Doubts are settled, and statuses read."""
    pdp.configure(search_hides=[])
    for _ in range(8):
        advance(world, pdp, 600)
        world.deposit()
        world.poll()


def deposited(world: World, pdp: Simulator, rank: int, **columns: Any) -> None:
    """A deposit, five minutes ago, that was polled."""
    add(world, rank, **columns)
    world.deposit()
    advance(world, pdp, 300)
    world.poll()


def codes_of(world: World, rank: int) -> set[str]:
    statement = "select code from facteur.status_events where submission_id = %(id)s"
    return {row.code for row in world.database.rows(statement, {"id": world.submission(rank).id})}


def warnings(caplog: pytest.LogCaptureFixture, name: str) -> list[Any]:
    return [record for record in caplog.records if record.getMessage() == name]


def instant_of(flow_id: str, shown: str) -> str:
    """When it was made, as a platform shows it."""
    at = datetime.fromtimestamp(int(flow_id.replace("-", "")[:12], 16) / 1000, UTC)
    return at.replace(microsecond=0, second=0 if shown == "minutes" else at.second).isoformat()


# --- deposits ---------------------------------------------------------------------------------------------------------


def test_a_deposit_carries_its_key_and_its_hash(world: World, pdp: Simulator) -> None:
    pdp.configure(checksum_mismatch="400")
    add(world, 1)
    world.add(2)

    world.deposit()

    (kept,) = pdp.ledger()
    assert (kept["id"], kept["key"]) == (world.submission(1).platform_id, key_of(world, 1))
    assert world.submission(2).state == "submitted"


@pytest.mark.parametrize("auth", ["basic", "body"])
@pytest.mark.parametrize("wrong", [False, True])
def test_ids_are_given_as_the_secret_says_and_the_organization_is_named(
    world: World, pdp: Simulator, auth: str, wrong: bool
) -> None:
    pdp.configure(organization_check="required")
    put_pdp(world, pdp, client_auth=auth, organization_id="another" if wrong else pdp.customer_id, scope="flows")
    add(world, 1)

    world.deposit()

    assert world.submission(1).state == ("pending" if wrong else "submitted")
    assert world.submission(1).last_error_code == ("account_refused" if wrong else None)


@pytest.mark.parametrize("rule", [None, "B2B", "B2GInt"])
def test_a_processing_rule_is_sent_where_the_secret_has_one(world: World, pdp: Simulator, rule: str | None) -> None:
    add(world, 1)

    with altering(pdp.base_url) as proxy:
        put_pdp(world, pdp, processing_rule=rule, flow_url=f"{proxy.url}/flow-service")
        world.deposit()
        (sent,) = [each.body for each in proxy.requests if each.path.endswith("/flows")]

    assert world.submission(1).state == "submitted"
    assert (b"processingRule" in sent) is (rule is not None)
    assert f'"processingRule": "{rule}"'.encode() in sent or rule is None


def test_a_rule_that_the_platform_does_not_take_stops_the_account_until_it_is_removed(
    world: World, pdp: Simulator
) -> None:
    pdp.configure(processing_rule="501")
    put_pdp(world, pdp, processing_rule="B2B")
    add(world, 1)
    world.deposit()
    waits = world.submission(1)

    put_pdp(world, pdp)
    advance(world, pdp, 400)
    container.platforms().named_by_secret("pdp")  # reads it anew, as after five minutes
    worked_off(world, pdp, 2)

    assert (waits.state, waits.last_error_code) == ("pending", "not_implemented")
    assert "(processing_rule B2B in the secret: remove it)" in waits.last_error_message
    assert world.submission(1).state == "submitted"


@pytest.mark.parametrize("fault", ["500_stored", "lost_answer", "stored:400:html", "stored:202:html"])
def test_a_lost_answer_is_found_by_its_key(world: World, pdp: Simulator, fault: str) -> None:
    add(world, 1)
    add(world, 2)
    pdp.script_endpoint("deposit", [fault])

    worked_off(world, pdp)

    assert len(pdp.ledger()) == 2
    assert {each["key"]: each["id"] for each in pdp.ledger()} == {
        key_of(world, rank): world.submission(rank).platform_id for rank in (1, 2)
    }


@pytest.mark.parametrize("shown", ["absent", "null", "lower", "upper", "cut"])
def test_a_key_that_is_shown_otherwise_leaves_it_to_the_bytes(world: World, pdp: Simulator, shown: str) -> None:
    pdp.configure(tracking_shown=shown)
    add(world, 1)
    add(world, 2)
    pdp.script_endpoint("deposit", ["lost_answer"])

    worked_off(world, pdp)

    assert len(pdp.ledger()) == 2
    assert {world.submission(rank).state for rank in (1, 2)} == {"submitted"}


def test_a_search_that_takes_no_notice_of_keys_says_nothing(world: World, pdp: Simulator) -> None:
    add(world, 9)
    world.deposit()
    pdp.configure(search_ignores=["trackingId"], search_hides="all")
    add(world, 1)
    pdp.script_endpoint("deposit", ["503"])

    worked_off(world, pdp, 6)

    assert len(pdp.ledger()) == 1
    assert world.submission(1).state == "in_doubt"


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("shown", ["right", "upper"])
@pytest.mark.parametrize("age_seconds", [0, 7200])
def test_a_search_that_takes_no_notice_of_keys_finds_what_shows_one(
    world: World, pdp: Simulator, order: str, shown: str, age_seconds: int
) -> None:
    """Beside many of another software, which bear none. Seed 609197363 of `make torture PLATFORM=afnor`."""
    pdp.configure(search_ignores=["trackingId"], flow_order=order, tracking_shown=shown)
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer"])
    world.deposit()
    other = {"account": pdp.client_id, "age_seconds": age_seconds, "statuses": ["MADE_AVAILABLE"]}
    pdp.add_foreign_invoices([{"number": f"ANOTHER-{rank}", **other} for rank in range(110)])

    worked_off(world, pdp, 2)

    assert world.submission(1).state == "submitted"
    assert {each["id"] for each in pdp.ledger() if each.get("key")} == {world.submission(1).platform_id}


def test_what_never_arrived_is_sent_again_with_the_same_key(world: World, pdp: Simulator) -> None:
    add(world, 9)
    world.deposit()
    add(world, 1)
    pdp.script_endpoint("deposit", ["503"])

    worked_off(world, pdp, 12)

    assert [each["key"] for each in pdp.ledger()] == [key_of(world, 9), key_of(world, 1)]
    assert world.row(1).technical_status == "validated"


def test_what_is_in_doubt_under_an_unknown_key_is_never_sent_again_by_itself(world: World, pdp: Simulator) -> None:
    """After a restore: the worker reports an attempt that the database has lost, and nobody knows its key any more."""
    add(world, 9)
    world.deposit()
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer"])
    world.deposit()
    world.database.rows("update facteur.attempts set own_key = null where outcome = 'unknown'")

    worked_off(world, pdp, 12)

    assert len(pdp.ledger()) == 2
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("in_doubt", "number_unknown")
    assert "which key of ours" in world.submission(1).last_error_message


def test_a_key_that_is_refused_as_known_finds_its_deposit(world: World, pdp: Simulator) -> None:
    """The first was stored and its answer lost, and its sender sent it once more."""
    pdp.configure(tracking_repeated="422")
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer"])
    world.deposit()
    world.database.rows("update facteur.submissions set state = 'pending', due_at = facteur.now()")
    world.database.rows("update facteur.attempts set outcome = 'not_found' where outcome = 'unknown'")

    worked_off(world, pdp, 2)

    assert [each["id"] for each in pdp.ledger()] == [world.submission(1).platform_id]
    assert world.submission(1).state == "submitted"


def test_a_501_in_its_own_words_stops_the_account_and_doubts_nothing(world: World, pdp: Simulator) -> None:
    add(world, 1)
    pdp.script_endpoint("deposit", ["answer:501:json"])

    world.deposit()

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "not_implemented")
    assert "its secret is right: ask the platform" in world.submission(1).last_error_message
    worked_off(world, pdp, 3)
    assert world.submission(1).state == "submitted"


# --- acknowledgements -------------------------------------------------------------------------------------------------


def test_an_error_rejects_with_its_words(world: World, pdp: Simulator) -> None:
    whole = render(sample_invoice(2), "cii")

    deposited(world, pdp, 2, content=whole.replace(b"CrossIndustryInvoice", b"AcrossIndustryInvoice"))

    assert (world.submission(2).state, world.row(2).technical_status) == ("rejected", "rejected")
    assert world.submission(2).last_error_code == "FlowTypeError"
    assert "The platform says: " in world.submission(2).last_error_message


def test_pending_is_no_answer(world: World, pdp: Simulator) -> None:
    pdp.configure(acks="pending", history_lag=1e9)

    deposited(world, pdp, 2)

    assert (world.submission(2).state, codes_of(world, 2)) == ("submitted", set())


def test_a_duplicate_is_a_question_and_the_first_of_one_key_is_ours(world: World, pdp: Simulator) -> None:
    """The first was stored and not shown for long, so it was sent again; the second was taken, and its acknowledgement calls it a
    duplicate."""
    add(world, 9)
    world.deposit()
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer"])
    world.deposit()
    world.database.rows(
        "update facteur.submissions set state = 'pending', due_at = facteur.now() where state = 'in_doubt'"
    )
    world.database.rows("update facteur.attempts set outcome = 'not_found' where outcome = 'unknown'")
    worked_off(world, pdp, 1)
    first, second = [each["id"] for each in pdp.ledger()][1:]
    assert world.submission(1).platform_id == second

    world.poll()
    worked_off(world, pdp, 8)

    assert (world.submission(1).state, world.submission(1).platform_id) == ("submitted", first)
    assert len(pdp.ledger()) == 3


def test_a_duplicate_of_what_a_person_sent_is_theirs_to_settle(world: World, pdp: Simulator) -> None:
    """What is called the duplicate does not bear out that it is one. Seed 802324786 of `make torture PLATFORM=afnor`."""
    add(world, 9)
    world.deposit()
    pdp.upload("by-hand.xml", render(sample_invoice(1), "cii").decode())

    deposited(world, pdp, 1)
    worked_off(world, pdp, 8)

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("failed", "duplicate")
    assert "If it is this invoice, facteur adopt it" in world.submission(1).last_error_message


# --- lifecycle messages -----------------------------------------------------------------------------------------------


def test_messages_make_the_life_cycle_of_the_deposit_that_they_name(world: World, pdp: Simulator) -> None:
    add(world, 1)
    deposited(world, pdp, 2)

    assert {"file:ok", "200", "205"} <= codes_of(world, 2)
    assert world.submission(2).lifecycle_code == "205"


def test_whoever_reads_them_again_fetches_and_stores_nothing(world: World, pdp: Simulator) -> None:
    deposited(world, pdp, 2)
    stored = world.database.row("select count(*) as n from facteur.status_events").n
    fetched = pdp.call_counts()["flow"]["count"]

    for _ in range(3):
        advance(world, pdp, 60)
        world.poll()

    assert world.database.row("select count(*) as n from facteur.status_events").n == stored
    assert pdp.call_counts()["flow"]["count"] == fetched


@pytest.mark.parametrize("twist", ["other_seller", "unknown_invoice", "other_year", "no_number"])
def test_a_message_about_another_invoice_is_nobodys(world: World, pdp: Simulator, twist: str) -> None:
    pdp.configure(cdar_twists=[twist])

    deposited(world, pdp, 2)

    assert codes_of(world, 2) == {"file:ok"}


@pytest.mark.parametrize("twist", ["other_seller", "unknown_invoice", "no_number", "no_xml"])
def test_a_message_that_was_another_invoices_for_once_is_asked_for_again(
    world: World, pdp: Simulator, twist: str
) -> None:
    """Also while nothing else is new. Seed 21 of `make torture PLATFORM=afnor`."""
    pdp.script_endpoint("flow", [f"cdar_twists={twist}"])
    deposited(world, pdp, 2)

    for _ in range(2):
        advance(world, pdp, 700)
        world.poll()

    assert {"200", "201", "202", "203", "205"} <= codes_of(world, 2)


@pytest.mark.parametrize("twist", ["other_seller", "no_number"])
def test_a_message_that_stays_another_invoices_is_asked_for_a_few_times_and_then_no_more(
    world: World, pdp: Simulator, twist: str
) -> None:
    pdp.configure(cdar_twists=[twist])
    deposited(world, pdp, 2)
    once = pdp.call_counts()["flow"]["count"]

    for _ in range(12):
        advance(world, pdp, 30)
        world.poll()

    assert once < pdp.call_counts()["flow"]["count"] <= 4 * once


@pytest.mark.parametrize("twist", ["no_xml", "html", "cut", "entities", "deep", "another_document", "no_code"])
def test_a_message_that_cannot_be_read_is_passed_over_and_stops_no_other(
    world: World, pdp: Simulator, twist: str, caplog: pytest.LogCaptureFixture
) -> None:
    pdp.configure(cdar_twists=[twist])
    deposited(world, pdp, 2)
    assert codes_of(world, 2) == {"file:ok"}
    pdp.configure(cdar_twists=[])
    deposited(world, pdp, 4)

    assert world.submission(4).lifecycle_code
    assert all(record.next_step for record in warnings(caplog, "feed.passed_over"))
    assert warnings(caplog, "feed.passed_over")


def test_a_message_that_was_not_itself_for_once_is_read_though_its_page_was_not_read_to_its_end(
    world: World, pdp: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection ended at the next one, so that nobody heard of it. Seed 7 of `make torture PLATFORM=afnor`."""
    pdp.script_endpoint("flow", ["cdar_twists=no_xml", "close", "close"])

    deposited(world, pdp, 2)
    assert not warnings(caplog, "feed.passed_over")
    for _ in range(6):
        advance(world, pdp, 300)
        world.poll()

    assert {"200", "201", "202", "203", "205"} <= codes_of(world, 2)


@pytest.mark.parametrize("twist", ["no_date", "odd_date", "several"])
def test_a_message_with_less_or_more_in_it_is_read(world: World, pdp: Simulator, twist: str) -> None:
    pdp.configure(cdar_twists=[twist])

    deposited(world, pdp, 2)

    assert "205" in codes_of(world, 2)


def test_one_file_that_is_not_given_stops_no_other(world: World, pdp: Simulator) -> None:
    pdp.script_endpoint("flow", ["500"])

    deposited(world, pdp, 2)
    advance(world, pdp, 60)
    world.poll()

    assert world.submission(2).lifecycle_code == "205"
    assert {"200", "201", "202"} <= codes_of(world, 2)


def test_what_a_lifecycle_message_quotes_of_what_was_sent_is_blanked(world: World, pdp: Simulator) -> None:
    """A message is XML, which no JSON's blanking reads; and a text that is too long is cut, a token in it as well."""
    pdp.configure(quotes=["statuses"])

    deposited(world, pdp, 2)
    advance(world, pdp, 60)
    world.poll()

    assert world.submission(2).lifecycle_code == "205"
    stored = str(world.database.rows("select * from facteur.status_events"))
    assert [each for each in ("eyJ", pdp.client_secret) if each in stored] == []


AMOUNTS = """
select code, raw->'amounts' as amounts, (occurred_at at time zone 'Europe/Paris')::date::text as day
from facteur.status_events where submission_id = %(id)s and code in ('211', '212') order by code
"""


def paid(world: World, pdp: Simulator, said: str, author: str) -> None:
    pdp.add_status(world.submission(2).platform_id, said, author=author)
    advance(world, pdp, 300)
    world.poll()


def test_amounts_of_a_payment_are_stored_as_its_message_says_them(world: World, pdp: Simulator) -> None:
    deposited(world, pdp, 2)

    paid(world, pdp, "PAYMENT_SENT", "BUYER")
    paid(world, pdp, "PAYMENT_RECEIVED", "SELLER")

    sent, received = world.database.rows(AMOUNTS, {"id": world.submission(2).id})
    total = {"amount": str(sample_invoice(2).total), "currency": "EUR"}
    assert sent.amounts == [{"kind": "MPA", **total, "percent": None, "day": sent.day}]
    assert received.amounts == [{"kind": "MEN", **total, "percent": "20.00", "day": received.day}]


def test_each_rate_of_a_payment_is_stored_and_what_is_given_back_too(world: World, pdp: Simulator) -> None:
    """One amount for each VAT rate; all of France's in one message."""
    figures = [("20.00", "1200.10"), ("13", "0.01"), ("10.0", "-110"), ("8.5", "7.50"), ("5.50", "105.50"), ("2.1", "3"),
               ("1.75", "1"), ("1.05", "2.000"), ("0.9", "4"), ("0", "99999.99")]  # fmt: skip
    one = re.compile(rb"<ram:SpecifiedDocumentCharacteristic>.*</ram:SpecifiedDocumentCharacteristic>", re.DOTALL)
    with altering(pdp.base_url) as proxy:
        put_pdp(world, pdp, flow_url=f"{proxy.url}/flow-service")

        def at_every_rate(_asked: Asked, said: Said) -> Said:
            each = b"<ram:SpecifiedDocumentCharacteristic><ram:TypeCode>MEN</ram:TypeCode>"
            each += b'<ram:ValueAmount currencyID="CHF">%s</ram:ValueAmount><ram:ValuePercent>%s</ram:ValuePercent>'
            each += b"</ram:SpecifiedDocumentCharacteristic>"
            return replace(
                said, body=one.sub(b"".join(each % (it.encode(), of.encode()) for of, it in figures), said.body)
            )

        proxy.after = at_every_rate
        deposited(world, pdp, 2)
        paid(world, pdp, "PAYMENT_RECEIVED", "SELLER")

    (received,) = world.database.rows(AMOUNTS, {"id": world.submission(2).id})
    assert received.amounts == [
        {"kind": "MEN", "amount": amount, "currency": "CHF", "percent": rate, "day": None} for rate, amount in figures
    ]


def test_of_two_deposits_of_one_number_none_is_given_a_status(
    world: World, pdp: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    pdp.configure(history_lag=1e9)
    for rank in (2, 4):
        add(world, rank)
    world.deposit()
    number = sample_invoice(2).number
    world.database.rows("update facteur.attempts set invoice_number = %(number)s", {"number": number})
    pdp.configure(history_lag=0)
    advance(world, pdp, 300)

    world.poll()

    assert codes_of(world, 2) | codes_of(world, 4) == {"file:ok"}
    (shown,) = {tuple(record.platform_ids) for record in warnings(caplog, "feed.ambiguous")}
    assert set(shown) == {world.submission(rank).platform_id for rank in (2, 4)}


@pytest.mark.parametrize(("said", "green"), [("REJECTED", False), ("PAYMENT_RECEIVED", True)])
def test_a_refusal_that_may_be_of_a_rejected_deposit_or_of_its_correction_is_in_the_status_for_a_day(
    world: World, pdp: Simulator, operator: Operator, capsys: pytest.CaptureFixture[str], said: str, green: bool
) -> None:
    deposited(world, pdp, 2, content=render(sample_invoice(2, buyer=UNKNOWN_BUYER), "cii"))
    assert world.submission(2).state == "rejected"
    corrected = world.folder / "corrected.xml"
    corrected.write_bytes(render(sample_invoice(2), "cii"))
    world.update(2, document_uri=corrected.as_uri(), technical_status="pending")
    world.deposit()
    advance(world, pdp, 300)
    world.poll()
    stands = str(world.submission(2).platform_id)

    pdp.add_status(stands, said, author="PLATFORM", **({} if green else {"reason": "REJ_SEMAN"}))
    for _ in range(3):
        advance(world, pdp, 3600)
        world.poll()

    assert (world.submission(2).state, world.row(2).technical_status) == ("submitted", "validated")
    capsys.readouterr()
    world.poll()
    assert ('"StatusesPutOff":[1' in capsys.readouterr().out) == (not green)  # what the alarm watches
    troubles = " ".join(each["what"] for each in operator.ask("status")["troubles"])
    assert ("1 refusal within a day that may be of several deposits" in troubles) == (not green)
    advance(world, pdp, 26 * 3600)
    assert "may be of several deposits" not in str(operator.ask("status")["troubles"])


def sent_twice(world: World, pdp: Simulator, **columns: Any) -> Any:
    """An invoice whose first attempt was not found, and whose second is its deposit; the first."""
    deposited(world, pdp, 9)
    add(world, 2, **columns)
    pdp.script_endpoint("deposit", ["503"])
    worked_off(world, pdp, 12)
    world.poll()
    first, second = world.attempts(2)
    assert (first.outcome, second.outcome) == ("not_found", "accepted")
    return first


def answers_late(world: World, attempt: Any, platform_id: str) -> None:
    """Its worker was frozen with the platform's answer in its hands."""
    outcome = {
        "submission_id": attempt.submission_id, "account": "pdp", "lease_token": attempt.lease_token, "move": {"state": "submitted"},
        "attempt": {"id": attempt.id, "outcome": "accepted", "platform_id": platform_id},
    }  # fmt: skip
    world.database.rows("select facteur.record(%(outcome)s)", {"outcome": json.dumps(outcome)})


def adopted(operator: Operator, platform_id: str, *flags: str) -> None:
    said = operator.run("adopt", sample_invoice(2).number, platform_id, "--why", "it is this one", "--yes", *flags)
    assert said.code == 0, said.err


def polled(world: World, pdp: Simulator, times: int = 3) -> None:
    for _ in range(times):
        advance(world, pdp, 300)
        world.poll()


def one_was_refused_and_the_other_adopted(world: World, pdp: Simulator, operator: Operator) -> str:
    """The platform refused one deposit of an invoice, then answered with another; a person adopts it. Its id."""
    document = render(sample_invoice(2, buyer=UNKNOWN_BUYER), "cii")
    first = sent_twice(world, pdp, content=document)
    assert world.submission(2).state == "rejected"
    pdp.add_company(UNKNOWN_BUYER.siren, behaviour="203")
    other = pdp.upload("late.xml", document.decode())
    answers_late(world, first, other)
    assert (world.submission(2).state, world.submission(2).last_error_code) == ("failed", "two_deposits")
    polled(world, pdp)
    adopted(operator, other, "--unverified")
    polled(world, pdp)
    return other


def test_a_refusal_stays_with_the_deposit_that_its_submission_let_go(
    world: World, pdp: Simulator, operator: Operator
) -> None:
    """With it the one that stands would be corrected, and sent again beside itself."""
    other = one_was_refused_and_the_other_adopted(world, pdp, operator)

    after = world.submission(2)
    assert (after.state, after.platform_id, after.lifecycle_code) == ("submitted", other, "203")
    assert world.row(2).technical_status == "validated"


@pytest.mark.parametrize(("said", "code"), [("REFUSED", "210"), ("REJECTED", None)])
def test_what_may_be_of_the_one_that_was_refused_is_never_a_refusal_of_the_one_that_stands(
    world: World, pdp: Simulator, operator: Operator, said: str, code: str | None
) -> None:
    """A buyer refuses what the platform has taken, and nothing else."""
    other = one_was_refused_and_the_other_adopted(world, pdp, operator)

    pdp.add_status(other, said, author="PLATFORM", reason="REJ_SEMAN" if said == "REJECTED" else "")
    polled(world, pdp)

    assert (world.submission(2).platform_id, world.submission(2).lifecycle_code) == (other, code or "203")
    assert world.row(2).technical_status == "validated"


@pytest.mark.parametrize("when", ["before he decides", "after he has decided"])
@pytest.mark.parametrize(("said", "is_counted"), [("REJECTED", True), ("REFUSED", False), ("CANCELLED", False)])
def test_the_end_of_the_deposit_that_a_person_decides_against_is_not_that_of_the_other(
    world: World,
    pdp: Simulator,
    operator: Operator,
    caplog: pytest.LogCaptureFixture,
    when: str,
    said: str,
    is_counted: bool,
) -> None:
    """He has one of two cancelled, as he is asked to, and the message names both."""
    first = sent_twice(world, pdp)
    chosen, known = str(world.submission(2).platform_id), world.submission(2).lifecycle_code
    answers_late(world, first, "the-other")
    assert world.submission(2).objection_code == "two_deposits"
    if when == "after he has decided":
        adopted(operator, chosen)

    pdp.add_status(chosen, said, author="PLATFORM", **({"reason": "REJ_SEMAN"} if is_counted else {}))
    polled(world, pdp)
    if when == "before he decides":
        adopted(operator, chosen)
    polled(world, pdp)

    after = world.submission(2)
    assert (after.state, after.platform_id, after.lifecycle_code) == ("submitted", chosen, known)
    assert world.row(2).technical_status == "validated"
    assert chosen in warnings(caplog, "feed.ambiguous")[-1].platform_ids
    pdp.add_status(chosen, "PAYMENT_RECEIVED", author="PLATFORM")
    polled(world, pdp)
    assert world.submission(2).lifecycle_code == "212"


def test_the_end_of_a_deposit_that_a_person_rejected_is_not_that_of_its_correction(
    world: World, pdp: Simulator, operator: Operator
) -> None:
    """He rejected it, for it was wrong, and has it cancelled once the right one is there."""
    deposited(world, pdp, 2)
    world.database.rows(
        "update facteur.submissions set objection_code = 'contradictory_statuses', objection = 'x', mismatch = 'x'"
    )
    assert operator.run("reject", sample_invoice(2).number, "--why", "it is wrong", "--yes").code == 0
    deposited(world, pdp, 4)
    world.database.rows("update facteur.attempts set invoice_number = %(n)s", {"n": sample_invoice(2).number})

    pdp.add_status(world.submission(2).platform_id, "CANCELLED", author="PLATFORM")
    polled(world, pdp)

    assert world.submission(2).last_error_code == "rejected_by_person"
    assert (world.submission(4).state, world.submission(4).lifecycle_code) == ("submitted", "205")


def test_a_duplicate_verdict_never_goes_to_a_deposit_whose_file_is_good(
    world: World, pdp: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A person sends the same invoice by hand, and the message that calls it a duplicate names ours as well."""
    pdp.configure(duplicate_shown="lifecycle")
    deposited(world, pdp, 2)
    pdp.upload("by-hand.xml", render(sample_invoice(2), "cii").decode() + "\n")
    advance(world, pdp, 300)

    world.poll()

    assert (world.submission(2).state, world.submission(2).lifecycle_code) == ("submitted", "205")
    assert warnings(caplog, "feed.duplicate")


# --- the feed's places ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "switches",
    [{}, {"flow_order": "newest"}, {"flow_order": "shuffled"}, {"flow_dates": "millis"}, {"flow_dates": "minutes"}, {"cursors": "refused"},
     {"cursors": "back"}, {"cursors": "stuck"}, {"cursors": "absent"}, {"search_count": "short"}, {"search_count": "zero"},
     {"search_cap": 40}, {"accept": "strict"}, {"total_in_limit": True}],
)  # fmt: skip
def test_every_status_is_read_however_they_are_paged(world: World, pdp: Simulator, switches: dict[str, Any]) -> None:
    pdp.configure(**switches)
    ranks = range(10, 50)
    for rank in ranks:
        add(world, rank)
        if rank % 5 == 0:
            world.deposit()
            advance(world, pdp, 60)
    world.deposit()
    advance(world, pdp, 600)

    for _ in range(4):
        world.poll()
        advance(world, pdp, 60)

    shown = {each["id"]: len(each["statuses"]) for each in pdp.ledger()}
    assert min(shown.values()) > 1
    without = [rank for rank in ranks if not {"file:ok", "200"} <= codes_of(world, rank)]
    assert not without


def test_the_version_may_change_while_it_is_read(world: World, pdp: Simulator) -> None:
    for rank, version in ((2, "1.3"), (4, "1.2"), (12, "1.3")):
        pdp.configure(afnor_version=version)
        for _ in range(3):
            deposited(world, pdp, rank) if rank not in world.ids else world.poll()
            advance(world, pdp, 700)

    assert {world.submission(rank).lifecycle_code for rank in (2, 4, 12)} >= {"205"}
    place = world.database.row('select "cursor" as place from facteur.feeds').place
    assert place.startswith(("after ", "page "))


def test_a_place_that_it_cannot_read_is_read_from_the_beginning(world: World, pdp: Simulator) -> None:
    deposited(world, pdp, 2)
    world.database.rows("""update facteur.feeds set "cursor" = 'odd', reached = 'odd'""")

    world.poll()

    assert world.database.row('select "cursor" as place from facteur.feeds').place is None


def test_what_came_while_a_deposits_outcome_was_unknown_is_read_once_it_is_known(world: World, pdp: Simulator) -> None:
    deposited(world, pdp, 9)
    add(world, 2)
    pdp.script_endpoint("deposit", ["lost_answer"])
    pdp.configure(search_hides="all")
    for _ in range(8):
        world.deposit()
        advance(world, pdp, 300)
        world.poll()
    assert world.submission(2).state == "in_doubt"

    all_is_shown_again(world, pdp)

    assert (world.submission(2).state, world.submission(2).lifecycle_code) == ("submitted", "205")


@pytest.mark.parametrize("order", ["oldest", "newest", "shuffled"])
def test_an_instant_with_more_flows_than_a_page_is_logged_and_stops_nothing_behind_it(
    world: World, pdp: Simulator, order: str, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    """1.2 has no way to ask for the rest of them. In any order: seed 7 of `make torture PLATFORM=afnor`."""
    by_dates_alone = request.node.callspec.params["pdp"] == "1.2"
    pdp.configure(flow_dates="minutes", flow_order=order)
    for rank in range(10, 50):
        add(world, rank)
    world.deposit()
    advance(world, pdp, 600)

    world.poll()

    unseen = [rank for rank in range(10, 50) if "200" not in codes_of(world, rank)]
    assert bool(warnings(caplog, "feed.passed_over")) is by_dates_alone
    assert by_dates_alone or not unseen
    deposited(world, pdp, 60)
    assert "200" in codes_of(world, 60)


def test_a_flow_type_that_the_search_refuses_loses_nothing(
    world: World, pdp: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked for are the two that every version has. The other one is read meanwhile."""
    pdp.configure(known_flow_types=["CustomerInvoice"])
    deposited(world, pdp, 2)
    assert (world.submission(2).state, codes_of(world, 2)) == ("submitted", {"file:ok"})
    for _ in range(8):
        world.poll()
        advance(world, pdp, 60)
    add(world, 4)
    world.deposit()
    assert world.submission(4).state == "submitted"
    assert not warnings(caplog, "feed.unavailable")
    (said,) = {each.cause for each in warnings(caplog, "feed.passed_over")}
    assert said == "the search refuses flows of the type CustomerInvoiceLC (HTTP 400): they are read once it takes them"

    pdp.configure(known_flow_types=["CustomerInvoice", "CustomerInvoiceLC"])
    advance(world, pdp, 3600)
    world.poll()

    assert world.submission(2).lifecycle_code == "205"


@pytest.mark.parametrize(
    "switches",
    [{"total_in_limit": True}, {"search_count": "zero"}, {"search_count": "long"}],
    ids=str,
)
def test_a_total_that_lies_hides_nothing(world: World, pdp: Simulator, switches: dict[str, Any]) -> None:
    pdp.configure(**switches)
    add(world, 9)
    world.deposit()
    pdp.script_endpoint("deposit", ["lost_answer"])

    deposited(world, pdp, 2)
    worked_off(world, pdp, 3)
    world.poll()

    assert [each["key"] for each in pdp.ledger()] == [key_of(world, 9), key_of(world, 2)]
    assert world.submission(2).lifecycle_code == "205"


def test_what_came_during_a_doubt_is_read_though_the_invoice_was_sent_again_meanwhile(
    world: World, pdp: Simulator
) -> None:
    """The platform refuses the key that it knows and does not show. Found by the control of a mutant."""
    deposited(world, pdp, 9)
    add(world, 2)
    pdp.script_endpoint("deposit", ["lost_answer"])
    pdp.configure(search_hides=[f"number:{sample_invoice(2).number}"], tracking_repeated="422")
    for _ in range(60):
        world.deposit()
        advance(world, pdp, 300)
        world.poll()
        if pdp.call_counts()["deposit"]["count"] > 2:
            break

    all_is_shown_again(world, pdp)

    assert (len(pdp.ledger()), pdp.call_counts()["deposit"]["count"]) == (2, 3)
    assert {"200", "201", "202", "203", "205"} <= codes_of(world, 2)


def test_a_message_of_a_deposit_in_doubt_is_not_its_rejected_predecessors(world: World, pdp: Simulator) -> None:
    """Both bear one number. Seed 802324786 of `make torture PLATFORM=afnor`."""
    rejected_and_sent_again(world, pdp)
    for _ in range(3):
        advance(world, pdp, 60)
        world.poll()
    assert world.submission(2).state == "in_doubt"

    all_is_shown_again(world, pdp)

    assert (world.submission(2).state, world.submission(2).lifecycle_code) == ("submitted", "205")
    assert {"200", "201", "202", "203", "204", "205"} <= codes_of(world, 2)


def rejected_and_sent_again(world: World, pdp: Simulator) -> None:
    """Its second deposit is there, and nobody knows: the answer was lost, and the search does not show it."""
    deposited(world, pdp, 9)
    deposited(world, pdp, 2, content=render(sample_invoice(2, buyer=UNKNOWN_BUYER), "cii"))
    assert world.submission(2).state == "rejected"
    pdp.add_company(UNKNOWN_BUYER.siren, behaviour="205")
    pdp.script_endpoint("deposit", ["504_stored"])
    pdp.configure(search_hides=[f"number:{sample_invoice(2).number}"])
    world.update(2, technical_status="pending")
    world.deposit()
    assert world.submission(2).state == "in_doubt"


def codes_of_the_first(world: World, rank: int) -> set[str]:
    """What is stored of an invoice's first submission."""
    statement = """
    select e.code from facteur.status_events e join facteur.submissions s on s.id = e.submission_id
    where s.id = (select min(f.id) from facteur.submissions f where f.invoice_id = %(id)s)
    """
    return {row.code for row in world.database.rows(statement, {"id": str(world.ids[rank])})}


def test_a_message_of_a_deposit_under_way_is_not_its_rejected_predecessors(world: World, pdp: Simulator) -> None:
    """Its worker has not recorded the answer yet, and never does."""
    rejected_and_sent_again(world, pdp)
    world.database.rows("update facteur.attempts set outcome = null, ended_at = null where outcome = 'unknown'")
    world.database.rows(
        "update facteur.submissions set state = 'sending', doubt_since = null, lease_token = a.lease_token, queued_at = null, "
        "lease_until = facteur.now() + interval '20 minutes', due_at = facteur.now() + interval '20 minutes' "
        "from facteur.attempts a where a.outcome is null and a.submission_id = submissions.id"
    )
    known = codes_of_the_first(world, 2)
    for _ in range(3):
        advance(world, pdp, 330)
        world.poll()
    assert world.submission(2).state == "sending"
    assert codes_of_the_first(world, 2) == known

    all_is_shown_again(world, pdp)

    assert (world.submission(2).state, world.submission(2).lifecycle_code) == ("submitted", "205")
    assert {"200", "201", "202", "203", "204", "205"} <= codes_of(world, 2)


def test_a_message_of_a_failed_deposit_that_may_be_there_is_not_its_rejected_predecessors(
    world: World, pdp: Simulator, operator: Operator
) -> None:
    """A person adopts it within the day."""
    rejected_and_sent_again(world, pdp)
    fail(world, 2)
    known = codes_of_the_first(world, 2)
    for _ in range(4):
        advance(world, pdp, 700)
        world.poll()
    assert codes_of_the_first(world, 2) == known

    pdp.configure(search_hides=[])
    operator.ask("adopt", str(sample_invoice(2).number), pdp.ledger()[-1]["id"], "--why", "it is this one", "--yes")
    all_is_shown_again(world, pdp)

    assert (world.submission(2).state, world.submission(2).lifecycle_code) == ("submitted", "205")


def test_a_message_of_a_deposit_that_its_submission_let_go_is_not_its_rejected_predecessors(
    world: World, pdp: Simulator
) -> None:
    """It was answered with an id, which no submission has any more."""
    deposited(world, pdp, 9)
    deposited(world, pdp, 2, content=render(sample_invoice(2, buyer=UNKNOWN_BUYER), "cii"))
    pdp.add_company(UNKNOWN_BUYER.siren, behaviour="205")
    world.update(2, technical_status="pending")
    world.deposit()
    assert world.submission(2).state == "submitted"
    fail(world, 2)
    known = codes_of_the_first(world, 2)

    for _ in range(3):
        advance(world, pdp, 330)
        world.poll()

    assert codes_of_the_first(world, 2) == known


@pytest.mark.parametrize("state", ["in_doubt", "failed"])
@pytest.mark.parametrize("said", ["PAYMENT_RECEIVED", "REJECTED"])
def test_what_may_be_of_an_unknown_deposit_for_longer_than_a_day_is_a_persons(
    world: World, pdp: Simulator, state: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The feed goes on, and says which status it has given to nobody."""
    rejected_and_sent_again(world, pdp)
    fail(world, 2) if state == "failed" else None
    known, (first, second) = codes_of_the_first(world, 2), [each["id"] for each in pdp.ledger()][1:]
    advance(world, pdp, 25 * 3600)
    world.poll()
    caplog.clear()
    before = world.database.row('select "cursor" as place from facteur.feeds').place
    pdp.add_status(second, said, author="PLATFORM", **({"reason": "REJ_SEMAN"} if said == "REJECTED" else {}))
    for _ in range(4):
        advance(world, pdp, 700)
        world.poll()

    assert world.submission(2).state == state
    assert codes_of_the_first(world, 2) == known
    assert {tuple(record.platform_ids) for record in warnings(caplog, "feed.ambiguous")} == {(first,)}
    assert world.database.row('select "cursor" as place from facteur.feeds').place != before


def test_what_is_said_of_a_deposit_whose_first_attempt_was_not_found_is_its_own(world: World, pdp: Simulator) -> None:
    """It was sent again, and the second attempt is the deposit: a refusal does not wait for the first."""
    deposited(world, pdp, 9)
    add(world, 2)
    pdp.script_endpoint("deposit", ["503"])
    worked_off(world, pdp, 12)
    assert (world.submission(2).state, [each.outcome for each in world.attempts(2)]) == (
        "submitted",
        ["not_found", "accepted"],
    )

    pdp.add_status(world.submission(2).platform_id, "REJECTED", author="PLATFORM", reason="REJ_SEMAN")
    for _ in range(2):
        advance(world, pdp, 300)
        world.poll()

    assert "213" in codes_of(world, 2)


def fail(world: World, rank: int) -> None:
    """As a worker does that finds something in its way."""
    world.database.rows(
        "select facteur.move_submission(%(id)s, %(move)s)",
        {
            "id": world.submission(rank).id,
            "move": json.dumps({"state": "failed", "error_code": "conflicting_deposit", "error_message": "x"}),
        },
    )


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_a_second_with_more_flows_than_a_platform_shows_stops_nothing_behind_it(
    world: World, pdp: Simulator, order: str, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    """It shows fewer than it is asked for. Seed 1 of `make torture PLATFORM=afnor`."""
    pdp.configure(search_cap=2, flow_order=order)
    deposited(world, pdp, 2)
    deposited(world, pdp, 4)

    world.poll()

    assert "205" in codes_of(world, 2)
    assert world.submission(4).lifecycle_code
    assert bool(warnings(caplog, "feed.passed_over")) is (request.node.callspec.params["pdp"] == "1.2")


@pytest.mark.parametrize("compared", ["shown", "exactly"])
@pytest.mark.parametrize("shown", ["seconds", "minutes"])
@pytest.mark.parametrize("pdp", ["1.2"], indirect=True)
def test_each_instant_of_which_not_all_is_ever_shown_is_said(
    world: World, pdp: Simulator, shown: str, compared: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Where dates are compared more exactly than they are shown, too. Seed 738085024 of `make torture PLATFORM=afnor`."""
    pdp.configure(search_cap=2, flow_dates=shown, dates_compared=compared)
    for rank in (2, 4, 6, 8):
        add(world, rank)
        world.deposit()
        advance(world, pdp, 1)
    advance(world, pdp, 600)
    deposited(world, pdp, 10)

    for _ in range(8):
        world.poll()
        advance(world, pdp, 60)

    stored = {each.status_id for each in world.database.rows("select status_id from facteur.status_events")}
    lacking = {each for deposit in pdp.ledger()[:-1] for each in deposit["status_ids"][1:]} - stored
    said = {record.cause.rpartition(" ")[2] for record in warnings(caplog, "feed.passed_over")}
    assert lacking
    assert {instant_of(each, shown) for each in lacking} <= said


@pytest.mark.parametrize("order", ["oldest", "newest", "shuffled"])
@pytest.mark.parametrize("dates", ["seconds", "millis"])
@pytest.mark.parametrize("pdp", ["1.2"], indirect=True)
def test_a_feed_goes_past_nothing_where_it_may_not_ask(world: World, pdp: Simulator, order: str, dates: str) -> None:
    """What a page hides is then not known. Seed 870276654 of `make torture PLATFORM=mixed`."""
    pdp.configure(search_cap=3, flow_order=order, flow_dates=dates)
    for rank in (2, 4, 6):
        add(world, rank)
        world.deposit()
    advance(world, pdp, 600)
    deposited(world, pdp, 8)
    platform, dice = container.platforms().of("pdp"), Random(4)  # noqa: S311  repeatable
    cursor, shown, said = None, set[str](), set[str]()

    for _ in range(200):
        permits = partial(next, repeat(True, dice.choice((0, 0, 1, 3, 60))), False)
        page = platform.feed(cursor, datetime.now(UTC) - timedelta(days=1), permits)
        shown |= {each.event.status_id for each in page.entries if each.event}
        said |= {each.rpartition(" ")[2] for each in page.passed_over}
        cursor = next((each.cursor for each in reversed(page.entries) if each.cursor), cursor)

    lacking = {each for deposit in pdp.ledger()[:-1] for each in deposit["status_ids"][1:]} - shown
    assert {instant_of(each, dates) for each in lacking} <= said
    assert (dates == "millis") is not bool(lacking)


@pytest.mark.parametrize("how", ["absent", "year9999"])
@pytest.mark.parametrize("pdp", ["1.2"], indirect=True)
def test_flows_without_a_date_that_can_be_true_are_read_and_wait_for_one(
    world: World, pdp: Simulator, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A poll asked for each second between. Seed 556846381 of `make torture PLATFORM=afnor`."""
    pdp.configure(status_dates=[f"updatedAt@{how}"])
    deposited(world, pdp, 2)
    advance(world, pdp, 7200)
    asked = pdp.call_counts()["search"]["count"]
    world.poll()

    assert {"file:ok", "200", "201", "202", "203", "205"} <= codes_of(world, 2)
    assert pdp.call_counts()["search"]["count"] - asked < 5
    assert "date" in warnings(caplog, "feed.passed_over")[-1].cause

    caplog.clear()
    pdp.configure(status_dates=[])
    deposited(world, pdp, 4)
    world.poll()
    assert {"file:ok", "200", "201", "202"} <= codes_of(world, 4)
    assert not warnings(caplog, "feed.passed_over")


@pytest.mark.parametrize(
    ("order", "switches"),
    [
        ("newest", {"search_cap": 4, "flow_dates": "millis"}),
        pytest.param("shuffled", {"search_cap": 4, "flow_dates": "millis"}, marks=pytest.mark.slow),
        ("newest", {"search_cap": 12, "dates_compared": "exactly"}),
        pytest.param("oldest", {"search_cap": 10, "dates_compared": "exactly"}, marks=pytest.mark.slow),
        ("shuffled", {"search_cap": 16, "flow_dates": "minutes", "dates_compared": "exactly"}),
    ],
)
def test_pages_that_are_cut_lose_nothing_in_any_order(
    world: World, pdp: Simulator, order: str, switches: dict[str, Any]
) -> None:
    """Two seconds with as many flows as a page, or more that have instants of their own. Seed 19 of `make torture PLATFORM=afnor`."""
    pdp.configure(cursors="absent", flow_order=order, **switches)
    for ranks in ((10, 20), (30, 40)):
        for rank in ranks:
            add(world, rank)
        world.deposit()
        advance(world, pdp, 300)

    for _ in range(2):
        world.poll()
        advance(world, pdp, 60)

    lacking = {rank: {"file:ok", "200", "201", "202"} - codes_of(world, rank) for rank in (10, 20, 30, 40)}
    assert not any(lacking.values()), lacking


# --- commands ---------------------------------------------------------------------------------------------------------


def test_commands_know_it(world: World, pdp: Simulator, operator: Any) -> None:
    add(world, 1)
    world.deposit()

    shown = operator.run("accounts")

    assert f"afnor at {pdp.base_url}/flow-service" in shown.out


@pytest.mark.parametrize("empty", [204, 404, 200])
def test_the_directory_says_who_can_be_reached_where_the_secret_names_one(
    world: World, pdp: Simulator, empty: int
) -> None:
    pdp.configure(directory_empty=empty)
    assert container.platforms().of("pdp").reachable(sample_invoice(1).buyer.siren) is None

    put_pdp(world, pdp, directory_url=f"{pdp.base_url}/directory-service/v1")
    world.new_container()
    platform = container.platforms().of("pdp")

    assert platform.reachable(sample_invoice(1).buyer.siren) is True
    pdp.configure(open_directory=False)
    assert platform.reachable("987654321") is (None if empty == 404 else False)
