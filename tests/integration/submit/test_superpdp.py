"""An account on SUPER PDP beside one on Iopole: keys, refusals that are questions, events, and what stops the account alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.invoices import file_name, render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.altering import Asked, Said, altering
from tests.two_accounts import SHOW_ACCOUNTS

DAY = 86_400.0


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with running_simulator(platform="superpdp") as simulator:
        yield simulator


@pytest.fixture
def pdp(world: World, started: Simulator) -> Simulator:
    """Its simulator, and a world whose account `pdp` deposits there."""
    started.reset()
    world.database.rows(SHOW_ACCOUNTS)
    put_pdp(world, started)
    return started


def put_pdp(world: World, pdp: Simulator, **more: Any) -> None:
    credentials = {"client_id": pdp.client_id, "client_secret": pdp.client_secret, "base_url": pdp.base_url}
    world.put_secret("pdp", {"provider": "superpdp", **credentials, **more})


FAIL = """
select facteur.move_submission(%(id)s, '{"state": "failed", "error_code": "conflict", "error_message": "differs"}')
"""


def add(world: World, rank: int) -> None:
    world.add(rank)
    world.update(rank, account="pdp")


def advance(world: World, pdp: Simulator, seconds: float) -> None:
    world.advance(seconds)
    pdp.advance(seconds)


def key_of(world: World, rank: int) -> str:
    statement = "select own_key from facteur.attempts where submission_id = %(id)s order by id"
    keys = {row.own_key for row in world.database.rows(statement, {"id": world.submission(rank).id})}
    assert len(keys) == 1
    return str(keys.pop())


def deposits(pdp: Simulator) -> list[str]:
    return [each["id"] for each in pdp.ledger()]


def worked_off(world: World, pdp: Simulator, times: int = 8, seconds: float = 400.0) -> None:
    for _ in range(times):
        world.deposit()
        advance(world, pdp, seconds)


def test_each_account_deposits_with_its_platform_and_a_key_where_that_takes_one(world: World, pdp: Simulator) -> None:
    add(world, 1)
    world.add(2)

    world.deposit()

    assert deposits(pdp) == [world.submission(1).platform_id]
    assert pdp.ledger()[0]["key"] == key_of(world, 1)
    assert len(key_of(world, 1)) == 36
    assert [each["id"] for each in world.simulator.ledger()] == [world.submission(2).platform_id]
    sent = world.database.row(
        "select own_key from facteur.attempts where invoice_id = %(id)s", {"id": str(world.ids[2])}
    )
    assert sent.own_key is None


@pytest.mark.parametrize("fault", ["500_stored", "lost_answer", "stored:400:html"])
def test_a_lost_answer_is_found_by_its_key(world: World, pdp: Simulator, fault: str) -> None:
    add(world, 1)
    add(world, 2)
    pdp.script_endpoint("deposit", [fault])

    worked_off(world, pdp)

    assert len(pdp.ledger()) == 2
    assert {each["key"]: each["id"] for each in pdp.ledger()} == {
        key_of(world, rank): world.submission(rank).platform_id for rank in (1, 2)
    }


def test_what_never_arrived_is_sent_again_with_the_same_key(world: World, pdp: Simulator) -> None:
    add(world, 9)
    world.deposit()
    add(world, 1)
    pdp.script_endpoint("deposit", ["503"])

    worked_off(world, pdp, 12)

    assert [each["key"] for each in pdp.ledger()] == [key_of(world, 9), key_of(world, 1)]
    assert world.row(1).technical_status == "validated"


def test_a_list_that_ends_at_a_deposit_without_a_usable_id_does_not_show_that_an_older_one_is_not_there(
    world: World, pdp: Simulator
) -> None:
    pdp.configure(search_cap=1, duplicates="none")
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer", "deposit_ids=long"])
    world.deposit()
    for rank in (7, 8):
        advance(world, pdp, 1)
        add(world, rank)
        world.deposit()

    worked_off(world, pdp, 14)

    assert len(pdp.ledger()) == 3
    assert (world.submission(1).state, world.submission(8).state) == ("in_doubt", "submitted")
    assert "without its id" in world.submission(1).last_error_message


def test_an_invoice_that_failed_in_doubt_is_sent_again_with_its_first_key(world: World, pdp: Simulator) -> None:
    """By another submission, which has a key of its own: under that one the platform would take the same document twice."""
    add(world, 9)
    world.deposit()
    add(world, 1)
    pdp.script_endpoint("deposit", ["503"])
    world.deposit()
    first = key_of(world, 1)
    failed = world.submission(1).id
    world.database.rows(FAIL, {"id": failed})

    world.update(1, technical_status="pending")
    worked_off(world, pdp, 14)

    assert world.submission(1).id != failed
    assert [each["key"] for each in pdp.ledger()] == [key_of(world, 9), first]
    assert key_of(world, 1) == first


@pytest.mark.parametrize("page", [1, 2])
def test_a_list_that_begins_with_its_oldest_hides_no_deposit(world: World, pdp: Simulator, page: int) -> None:
    """It shows an old witness, and what is looked for stands beyond the page (torture of SUPER PDP, 474181518)."""
    for rank in (7, 8, 9):
        add(world, rank)
    world.deposit()
    pdp.configure(list_order="asc", search_cap=page, duplicates="none")
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer"])

    worked_off(world, pdp, 12)

    assert len(pdp.ledger()) == 4
    assert world.submission(1).platform_id == pdp.ledger()[3]["id"]


def test_a_refusal_of_what_proves_to_be_anothers_deposit_is_taken_back(world: World, pdp: Simulator) -> None:
    """Its own may stand: corrected and sent again it would be two (torture of SUPER PDP, 383318191)."""
    given_id_of_a_lost_answer(world, pdp)
    refused_as_the_second(world, pdp)

    worked_off(world, pdp, 3)

    second = world.submission(2)
    assert (second.state, second.last_error_code, second.platform_id) == ("failed", "shown_as_another", None)
    assert world.row(2).technical_status == "error"
    world.update(2, technical_status="pending")
    worked_off(world, pdp, 6)
    assert [world.submission(2).platform_id] == deposits(pdp)[2:]
    world.update(1, technical_status="pending")
    worked_off(world, pdp, 8)
    world.poll()
    assert (world.submission(1).state, world.submission(1).platform_id) == ("rejected", deposits(pdp)[1])
    assert len(deposits(pdp)) == 3


def test_what_follows_a_refusal_of_anothers_deposit_stops(world: World, pdp: Simulator) -> None:
    """It was corrected meanwhile, and its own first deposit stands."""
    given_id_of_a_lost_answer(world, pdp)
    refused_as_the_second(world, pdp)
    corrected_as_a_second(world)

    worked_off(world, pdp, 3)

    assert (world.submission(2).objection_code, world.row(2).technical_status) == ("predecessor_taken", "error")
    world.update(1, technical_status="pending")
    worked_off(world, pdp, 8)
    world.poll()
    assert (world.submission(1).state, world.submission(1).platform_id) == ("rejected", deposits(pdp)[1])


def test_what_follows_a_refusal_of_anothers_deposit_and_is_in_doubt_stops_too(world: World, pdp: Simulator) -> None:
    given_id_of_a_lost_answer(world, pdp)
    refused_as_the_second(world, pdp)
    pdp.configure(search_hides=["number:F-2026-2-B"])
    pdp.script_endpoint("deposit", ["lost_answer"])
    corrected_as_a_second(world)

    worked_off(world, pdp, 3)

    assert (world.submission(2).state, world.submission(2).last_error_code) == ("failed", "predecessor_taken")


def given_id_of_a_lost_answer(world: World, pdp: Simulator) -> None:
    """The first invoice's answer is lost, and the second one's names its deposit."""
    add(world, 9)
    world.deposit()
    pdp.script_endpoint("deposit", ["lost_answer", "deposit_ids=previous"])
    add(world, 1)
    world.deposit()
    add(world, 2)
    world.deposit()


def corrected_as_a_second(world: World) -> None:
    document = world.folder / "corrected.xml"
    document.write_bytes(render(replace(sample_invoice(2), number="F-2026-2-B"), "cii"))
    world.update(2, invoice_number="F-2026-2-B", document_uri=document.as_uri(), technical_status="pending")
    world.deposit()


def refused_as_the_second(world: World, pdp: Simulator) -> None:
    pdp.add_status(deposits(pdp)[1], "REJECTED", reason="REJ_SEMAN", author="PLATFORM")
    advance(world, pdp, 60)
    world.poll()
    assert (world.submission(2).state, world.submission(2).platform_id) == ("rejected", deposits(pdp)[1])


@pytest.mark.parametrize("before", [(8, 9), ()])
def test_old_invoices_that_were_brought_in_lately_hide_no_deposit(
    world: World, pdp: Simulator, before: tuple[int, ...]
) -> None:
    """Their dates end no list: it goes back to a deposit of ours from before, or to its end (torture of SUPER PDP, 189391228)."""
    pdp.configure(search_cap=1, duplicates="none")
    for rank in before:
        add(world, rank)
    world.deposit()
    pdp.script_endpoint("deposit", ["lost_answer"])
    add(world, 1)
    world.deposit()
    old = {"account": pdp.client_id, "issue_date": "2025-10-10", "age_seconds": 365 * DAY}
    pdp.add_foreign_invoices([{"number": f"OLD-{each}", **old} for each in range(8)])
    add(world, 7)

    worked_off(world, pdp, 12)

    (deposit,) = (each for each in pdp.ledger() if each["number"] == sample_invoice(1).number)
    assert world.submission(1).platform_id == deposit["id"]


@pytest.mark.parametrize(
    ("before", "after", "order"),
    [((7, 8), (2, 3, 4), "asked"), ((8,), (2, 3, 4), "asked"), ((), (2, 3, 4), "asked"), ((7, 8), (2,), "asc")],
    ids=str,
)
def test_a_list_that_ends_before_a_deposit_that_is_known_is_no_evidence(
    world: World, pdp: Simulator, before: tuple[int, ...], after: tuple[int, ...], order: str
) -> None:
    """It shows a witness and then an empty page: what is looked for, and others of ours, lie beyond."""
    for rank in before:
        add(world, rank)
    world.deposit()
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer"])
    world.deposit()
    for rank in after:
        add(world, rank)
    pdp.configure(search_most=2, list_order=order, duplicates="none")

    worked_off(world, pdp, 12)

    numbers = [each["number"] for each in pdp.ledger()]
    assert numbers.count(sample_invoice(1).number) == 1
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("in_doubt", "search_not_whole")
    pdp.configure(search_most=0)
    worked_off(world, pdp, 3, seconds=7200)
    assert world.submission(1).platform_id == deposits(pdp)[len(before)]


def test_what_a_list_that_ends_too_early_shows_is_ours_all_the_same(world: World, pdp: Simulator) -> None:
    for rank in (7, 8):
        add(world, rank)
    world.deposit()
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer"])
    world.deposit()
    add(world, 2)
    pdp.configure(search_most=2)

    worked_off(world, pdp, 2)

    assert world.submission(1).platform_id == deposits(pdp)[2]


def test_where_the_list_always_ends_too_early_a_person_decides_at_last(world: World, pdp: Simulator) -> None:
    """What never arrived is not sent again by itself."""
    for rank in (7, 8):
        add(world, rank)
    world.deposit()
    add(world, 1)
    pdp.script_endpoint("deposit", ["503"])
    world.deposit()
    for rank in (2, 3):
        add(world, rank)
    pdp.configure(search_most=2)

    worked_off(world, pdp)
    world.database.rows(
        "update facteur.submissions set doubt_since = doubt_since - interval '4 days' where state = 'in_doubt'"
    )
    worked_off(world, pdp, 3, seconds=3700)

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("failed", "search_not_whole")
    assert len(deposits(pdp)) == 4


@pytest.mark.parametrize("copies", [True, False])
def test_where_the_list_shows_neither_number_nor_key_the_bytes_say_whose_a_deposit_is(
    world: World, pdp: Simulator, copies: bool
) -> None:
    """Also of an invoice whose own doubt is not settled (torture of SUPER PDP, 299600982). Without them a person compares."""
    for rank in (7, 8):
        add(world, rank)
    world.deposit()
    pdp.configure(list_omits=["en_invoice"], external_id_shown="empty")
    pdp.script(sample_invoice(1).number, ["503"])
    add(world, 1)
    worked_off(world, pdp, 5, seconds=100)
    assert world.submission(1).empty_lookups == 3
    pdp.script(sample_invoice(2).number, ["lost_answer"])
    add(world, 2)
    world.deposit()
    not_due_for_a_day(world, 2)
    pdp.fault_rates({} if copies else {"answer:404:html": 1.0}, endpoint="download")

    worked_off(world, pdp)

    assert (world.submission(2).state, len(deposits(pdp))) == ("in_doubt", 4 if copies else 3)
    expected = ("submitted", None) if copies else ("failed", "conflicting_deposit")
    assert (world.submission(1).state, world.submission(1).last_error_code) == expected
    advance(world, pdp, DAY)
    pdp.fault_rates({}, endpoint="download")
    worked_off(world, pdp)
    assert (world.submission(2).state, world.submission(2).platform_id) == ("submitted", deposits(pdp)[2])


@pytest.mark.parametrize("key", ["truncated", "spaces", "upper", "lower", "empty", "absent"])
def test_a_key_that_is_shown_otherwise_hides_no_deposit(world: World, pdp: Simulator, key: str) -> None:
    """Where the list shows no number either: the bytes decide, and it is not sent a second time."""
    for rank in (7, 8):
        add(world, rank)
    world.deposit()
    pdp.configure(list_omits=["en_invoice"], external_id_shown=key, duplicates="none")
    pdp.script(sample_invoice(1).number, ["lost_answer"])
    add(world, 1)

    worked_off(world, pdp, 12)

    assert len(deposits(pdp)) == 3
    assert (world.submission(1).state, world.submission(1).platform_id) == ("submitted", deposits(pdp)[2])


def not_due_for_a_day(world: World, rank: int) -> None:
    statement = (
        "update facteur.submissions set due_at = facteur.now() + interval '1 day', queued_at = null where id = %(id)s"
    )
    world.database.rows(statement, {"id": world.submission(rank).id})


def test_a_page_that_begins_with_its_cursor_is_another_page(world: World, pdp: Simulator) -> None:
    """Else no look-up would ever count as an empty one (torture of SUPER PDP, 622887169)."""
    for rank in (7, 8):
        add(world, rank)
    world.deposit()
    pdp.configure(cursor="inclusive")
    add(world, 1)
    pdp.script_endpoint("deposit", ["503"])

    worked_off(world, pdp, 12)

    assert sorted(each["key"] for each in pdp.ledger()) == sorted(key_of(world, rank) for rank in (7, 8, 1))


def test_a_refusal_that_says_it_is_there_already_finds_it_by_its_key(world: World, pdp: Simulator) -> None:
    """The first was stored and its answer lost, and its sender sent it once more."""
    add(world, 1)
    pdp.script_endpoint("deposit", ["lost_answer"])
    world.deposit()
    world.database.rows("update facteur.submissions set state = 'pending', due_at = facteur.now()")
    world.database.rows("update facteur.attempts set outcome = 'not_found' where outcome = 'unknown'")

    worked_off(world, pdp, 2)

    assert deposits(pdp) == [world.submission(1).platform_id]
    assert world.submission(1).state == "submitted"


def test_a_document_that_it_cannot_read_is_refused_at_once(world: World, pdp: Simulator) -> None:
    pdp.configure(structure_check="schema")
    whole = render(sample_invoice(1), "cii")
    world.add(1, content=whole.replace(b"ExchangedDocumentContext>", b"Context>"))
    world.update(1, account="pdp")

    world.deposit()

    assert (world.submission(1).state, world.row(1).technical_status) == ("rejected", "rejected")
    assert pdp.ledger() == []


@pytest.mark.parametrize("doubtful", [False, True])
def test_a_corrected_document_has_a_key_of_its_own(world: World, pdp: Simulator, doubtful: bool) -> None:
    """Also where an attempt of the first was never found: with its key the new one would be taken for it."""
    add(world, 9)  # a witness
    world.deposit()
    pdp.configure(structure_check="schema")
    good = render(sample_invoice(1), "cii")
    world.add(1, content=good.replace(b"ExchangedDocumentContext>", b"Context>"))
    world.update(1, account="pdp")
    world.deposit()
    first = key_of(world, 1)
    if doubtful:
        statement = "update facteur.attempts set outcome = 'not_found', submission_id = null where invoice_id = %(id)s"
        world.database.rows(statement, {"id": str(world.ids[1])})

    (world.folder / file_name(sample_invoice(1), "cii")).write_bytes(good)
    world.update(1, technical_status="pending")
    worked_off(world, pdp, 14)

    assert world.submission(1).state == "submitted"
    assert key_of(world, 1) == pdp.ledger()[1]["key"] != first


def test_a_company_that_is_not_verified_yet_waits(world: World, pdp: Simulator) -> None:
    pdp.configure(company_verification="needs_review")
    add(world, 1)

    world.deposit()

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "account_refused")
    pdp.configure(company_verification="verified")
    worked_off(world, pdp, 4)
    assert world.submission(1).state == "submitted"


@pytest.mark.parametrize(
    ("says", "is_sandbox", "sent"), [(True, False, False), (False, True, False), (True, True, True)]
)
def test_nothing_is_deposited_in_another_environment_than_the_secret_says(
    world: World, pdp: Simulator, says: bool, is_sandbox: bool, sent: bool
) -> None:
    """One host serves both."""
    pdp.configure(sandbox=is_sandbox)
    put_pdp(world, pdp, sandbox=says)
    add(world, 1)

    world.deposit()

    assert bool(pdp.ledger()) is sent
    assert world.submission(1).state == ("submitted" if sent else "pending")
    if not sent:
        assert world.submission(1).last_error_code == "environment_mismatch"


@pytest.mark.parametrize(
    ("env", "says", "sent"),
    [
        ("Sandbox", False, False), ("Sandbox", True, True), ("PRODUCTION ", False, True), ("test", False, False), ("test", True, False),
        ("test", None, False), (None, False, False), (None, None, False), (7, True, False), (["sandbox"], True, False),
    ],
)  # fmt: skip
def test_only_a_word_that_is_known_is_an_environment(
    world: World, pdp: Simulator, env: object, says: bool | None, sent: bool
) -> None:
    """The vendor's file knows two and requires one of them: another word says nothing, and real invoices would be sent on it."""

    def after(asked: Asked, said: Said) -> Said:
        changed = said.json() | {"env": env} if asked.path.endswith("companies/me") else None
        if changed and env is None:
            del changed["env"]
        return Said(200, {"Content-Type": "application/json"}, json.dumps(changed).encode()) if changed else said

    with altering(pdp.base_url) as proxy:
        proxy.after = after
        put_pdp(world, pdp, base_url=proxy.url, **({} if says is None else {"sandbox": says}))
        add(world, 1)

        world.deposit()

    assert bool(pdp.ledger()) is sent
    if not sent:
        assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "environment_mismatch")


def test_events_make_the_life_cycle_and_a_platforms_own_steps_do_not(world: World, pdp: Simulator) -> None:
    add(world, 2)
    world.deposit()
    advance(world, pdp, 300)

    world.poll()

    codes = [row.code for row in world.database.rows("select code from facteur.status_events order by occurred_at, id")]
    assert {"api:uploaded", "ppf:received", "200"} <= set(codes)
    assert world.submission(2).lifecycle_code == "205"
    assert pdp.call_counts()["events"]["count"] <= 2


@pytest.mark.parametrize("receiver", ["213", "999"])  # its platform rejects all; nobody receives there
def test_what_is_found_invalid_later_is_rejected_with_its_reason(world: World, pdp: Simulator, receiver: str) -> None:
    good = sample_invoice(1)
    buyer = replace(good.buyer, siren=f"{receiver}{good.buyer.siren[3:]}")
    world.add(1, content=render(replace(good, buyer=buyer), "cii"))
    world.update(1, account="pdp")
    world.deposit()
    advance(world, pdp, 300)

    world.poll()

    assert (world.submission(1).state, world.row(1).technical_status) == ("rejected", "rejected")
    assert "The platform says: " in world.submission(1).last_error_message


def test_an_event_that_was_committed_late_is_read_though_later_ones_were(world: World, pdp: Simulator) -> None:
    """Its id is lower than one that was shown before."""
    pdp.configure(events_late=0.5, events_late_seconds=200.0)
    for rank in (1, 2, 3):
        add(world, rank)
    world.deposit()
    for _ in range(12):
        advance(world, pdp, 60)
        world.poll()

    shown = {row.status_id for row in world.database.rows("select status_id from facteur.status_events")}
    pdp.configure(events_late=0.0)
    advance(world, pdp, 2 * DAY)
    world.database.rows('update facteur.feeds set "cursor" = null, reached = null')
    world.poll()
    assert {row.status_id for row in world.database.rows("select status_id from facteur.status_events")} == shown


def test_a_place_that_it_does_not_know_any_more_is_read_from_the_beginning(world: World, pdp: Simulator) -> None:
    add(world, 1)
    world.deposit()
    advance(world, pdp, 300)
    world.poll()
    advance(world, pdp, 900)
    world.poll()
    pdp.configure(cursor="refused")

    world.poll()

    assert world.database.row('select "cursor" as place from facteur.feeds').place is None
    pdp.configure(cursor="right")
    pdp.add_status(world.submission(1).platform_id, "PAYMENT_RECEIVED", author="SELLER")
    advance(world, pdp, 120)
    world.poll()
    assert world.submission(1).lifecycle_code == "212"


def test_the_place_moves_ten_minutes_after_it_was_reached_and_events_are_stored_once(
    world: World, pdp: Simulator
) -> None:
    add(world, 1)
    world.deposit()
    places = []
    for _ in range(30):
        advance(world, pdp, 60)
        world.poll()
        places.append(world.database.row('select "cursor" as place from facteur.feeds').place)

    known = places.index(next(each for each in places if each))
    assert 9 <= known <= 12
    count = world.database.row("select count(*) as n, count(distinct status_id) as ids from facteur.status_events")
    assert count.n == count.ids


def three_on_short_pages(world: World, pdp: Simulator) -> None:
    pdp.configure(search_cap=2)
    for rank in (1, 2, 3):
        add(world, rank)
    world.deposit()


def test_the_place_moves_past_all_pages_that_were_read_again(world: World, pdp: Simulator) -> None:
    """By one page each ten minutes it never came to the end of short ones (torture of SUPER PDP, 88226022)."""
    three_on_short_pages(world, pdp)
    for _ in range(3):
        advance(world, pdp, 660)
        world.poll()

    last = world.database.row("select max(status_id::bigint)::text as id from facteur.status_events").id
    assert world.database.row('select "cursor" as place from facteur.feeds').place == last


def test_a_turn_that_is_cut_leaves_the_place_where_it_began(world: World, pdp: Simulator) -> None:
    """What was shown late before the place that an earlier turn had reached would be read by nobody."""
    three_on_short_pages(world, pdp)
    advance(world, pdp, 660)
    world.poll()
    reached = world.database.row("select reached from facteur.feeds").reached
    advance(world, pdp, 660)
    pdp.script_endpoint("events", ["slow:0", "503"])

    world.poll()

    place = world.database.row('select "cursor" as place, reached from facteur.feeds')
    assert (place.place, int(place.reached) < int(reached)) == (None, True)
    advance(world, pdp, 660)
    world.poll()
    assert world.database.row('select "cursor" as place from facteur.feeds').place == place.reached


@pytest.mark.parametrize(("date", "moves"), [("right", False), ("none", True)])
def test_a_clock_of_ours_that_is_set_ahead_moves_no_place_where_the_platform_says_the_time(
    world: World, pdp: Simulator, date: str, moves: bool
) -> None:
    """What was shown late would be behind it (torture of AFNOR, seed 22)."""
    pdp.configure(date_header=date)
    add(world, 1)
    world.deposit()
    advance(world, pdp, 60)
    world.poll()

    world.advance(5 * 3600)
    world.poll()

    assert bool(world.database.row('select "cursor" as place from facteur.feeds').place) is moves
    world.advance(5 * 3600)
    world.poll()
    assert bool(world.database.row('select "cursor" as place from facteur.feeds').place) is moves
    for _ in range(2):
        advance(world, pdp, 700)
        world.poll()
    assert world.database.row('select "cursor" as place from facteur.feeds').place


def test_turns_that_are_always_cut_come_on_nevertheless(world: World, pdp: Simulator) -> None:
    """A first one had come further than any can since."""
    three_on_short_pages(world, pdp)
    advance(world, pdp, 660)
    world.poll()
    places = set()
    for _ in range(6):
        advance(world, pdp, 660)
        pdp.script_endpoint("events", ["slow:0", "503"])
        world.poll()
        places.add(world.database.row('select "cursor" as place from facteur.feeds').place)

    assert len(places) > 2


@pytest.mark.parametrize(
    "switches",
    [{"cursor": "ignored"}, {"events_gone": 3}, {"events_gone": 3, "cursor": "ignored"}, {"events_strange": 3}],
    ids=str,
)
def test_a_feed_that_goes_back_or_lost_events_or_speaks_of_others_is_read(
    world: World, pdp: Simulator, switches: dict[str, Any]
) -> None:
    add(world, 1)
    world.deposit()
    advance(world, pdp, 660)
    world.poll()
    pdp.configure(**switches)
    pdp.add_status(world.submission(1).platform_id, "PAYMENT_RECEIVED", author="SELLER")
    before = len(pdp.calls("events"))
    for _ in range(3):
        advance(world, pdp, 660)
        world.poll()

    assert world.submission(1).lifecycle_code == "212"
    assert len(pdp.calls("events")) - before <= 9
    ours = world.database.row("select count(*) as n, count(distinct status_id) as ids from facteur.status_events")
    assert ours.n == ours.ids
    assert world.database.row("select count(*) as n from facteur.submissions").n == 1


@pytest.mark.parametrize(
    "switches",
    [*({"search_count": count} for count in ("zero", "long")),
     *({"has_more": said} for said in ("never", "always"))],
    ids=str,
)  # fmt: skip
def test_what_a_list_says_of_its_length_decides_nothing(world: World, pdp: Simulator, switches: dict[str, Any]) -> None:
    for rank in (7, 8, 9):
        add(world, rank)
    world.deposit()
    pdp.configure(search_cap=2, **switches)
    add(world, 1)
    add(world, 2)
    pdp.script(sample_invoice(1).number, ["lost_answer"])
    pdp.script(sample_invoice(2).number, ["503"])

    worked_off(world, pdp, 10)

    numbers = sorted(each["number"] for each in pdp.ledger())
    assert numbers == sorted(sample_invoice(rank).number for rank in (1, 2, 7, 8, 9))
    assert {world.submission(rank).state for rank in (1, 2)} == {"submitted"}


def test_a_deposit_whose_events_are_gone_has_its_own_history_read(world: World, pdp: Simulator) -> None:
    add(world, 2)
    world.deposit()
    pdp.configure(
        events_order="right", event_omits=["invoice_id"]
    )  # the feed says of nobody's deposit what it is about

    for _ in range(4):
        advance(world, pdp, 3600)
        world.poll()

    assert world.submission(2).lifecycle_code == "205"


@pytest.mark.parametrize("ids", ["twice", "constant"])
def test_a_history_keeps_all_events_of_one_id(world: World, pdp: Simulator, ids: str) -> None:
    """Torture of SUPER PDP, 412099915."""
    add(world, 2)
    world.deposit()
    pdp.configure(event_ids=ids, event_omits=["invoice_id"])

    for _ in range(4):
        advance(world, pdp, 3600)
        world.poll()

    codes = {row.platform_code for row in world.database.rows("select platform_code from facteur.status_events")}
    happened = {f"fr:{code}" for code in range(200, 206)}
    assert codes == {"api:uploaded", "ppf:received", "ppf:accepted"} | happened


def test_commands_know_it(world: World, pdp: Simulator, operator: Any) -> None:
    add(world, 1)
    world.deposit()

    shown = operator.run("accounts")

    assert "superpdp" in shown.out
