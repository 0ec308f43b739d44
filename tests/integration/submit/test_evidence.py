"""What proves that a deposit is ours, and what proves that it is not there: a platform whose search lies, and clocks that do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.invoices import UNKNOWN_BUYER, plain_pdf, render, sample_invoice
from local.invoices.samples import company
from local.simulator.core.control import Simulator
from local.world.levers import NOW, World, platform_secret
from tests.altering import AlteringProxy, Asked, Said, altering, in_json

NUMBER = sample_invoice(1).number
ROUNDS = 14  # of 160 seconds: a doubt is settled after 600
RENAMED = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, total, currency, technical_status, 'second' as account, submission_id, false as finished
from invoicing.invoices
"""
RIVAL = """
insert into facteur.attempts (invoice_id, account, lease_token, outcome, document_sha256, invoice_number, seller_siren, total, currency,
                              platform)
select 'another', account, lease_token, 'unknown', 'other bytes', invoice_number, seller_siren, total, currency, platform
from facteur.attempts where outcome = 'unknown'
"""


@pytest.fixture
def proxy(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as opened:
        yield opened


@pytest.fixture
def settings(proxy: AlteringProxy) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": proxy.url}


@pytest.fixture
def witnessed(world: World) -> World:
    """A world whose account has a deposit that its search shows."""
    world.witness()
    return world


def until_settled(world: World, rounds: int = ROUNDS) -> None:
    for _ in range(rounds):
        world.deposit()
        world.advance(160)


def until_given_up(world: World) -> None:
    """The doubt began four days ago and was looked at all along: time in which nobody looks is not the invoice's."""
    world.database.rows(
        "update facteur.submissions set doubt_since = doubt_since - interval '4 days' where state = 'in_doubt'"
    )
    for _ in range(3):
        world.advance(3700)
        world.deposit()


def lost(world: World, rank: int = 1, fault: str = "lost_answer", **columns: Any) -> None:
    """An invoice whose deposit's answer is lost."""
    world.simulator.script(sample_invoice(rank).number, [fault])
    world.add(rank, **columns)
    world.deposit()
    assert world.submission(rank).state == "in_doubt"


def skew(world: World, seconds: float) -> None:
    """The database's clock is set, and nobody else's."""
    world.shift += seconds
    world.database.rows(NOW.format(world.shift))


def in_search(proxy: AlteringProxy, change: Any) -> None:
    """From now on search shows what `change` makes of its entries."""

    def after(asked: Asked, said: Said) -> Said:
        if said.status != 200 or "/search" not in asked.path:
            return said
        return in_json(lambda body: body | {"data": change(body["data"])}, said)

    proxy.after = after


def without_copies(proxy: AlteringProxy) -> None:
    """The platform shows no copy of what it keeps."""
    proxy.before = lambda asked: (
        Said(404, {}, b'{"statusMessage":"Not found"}') if asked.path.endswith(("/files", "/download")) else None
    )


# --- a question that is read in part ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "switches", [{"search_terms": 5}, {"search_most": 3, "search_order": "oldest"}, {"search_terms": 1}]
)
def test_a_doubt_that_stands_at_the_end_of_a_long_question_is_asked_for_alone_before_it_is_sent_again(
    world: World, switches: dict[str, Any]
) -> None:
    for rank in range(91, 94):  # three witnesses
        world.witness(rank)
    world.simulator.configure(**switches)
    for rank in range(1, 11):
        world.simulator.script(sample_invoice(rank).number, ["lost_answer"])
        world.add(rank)

    until_settled(world)

    assert [len(world.deposits(rank)) for rank in range(1, 11)] == [1] * 10
    assert all(world.row(rank).submission_id == world.deposits(rank)[0]["id"] for rank in range(1, 11))


@pytest.mark.parametrize(
    "switches", [{"search_terms": 1}, {"search_terms": 2}, {"search_terms": 1, "search_dates": False}]
)
def test_what_never_arrived_is_sent_again_also_where_a_question_is_always_read_in_part(
    world: World, switches: dict[str, Any]
) -> None:
    """No long question shows a witness there, so what shows one is asked instead."""
    for rank in range(91, 94):
        world.witness(rank)
    world.simulator.configure(**switches)
    for rank in range(1, 4):
        world.simulator.script(sample_invoice(rank).number, ["503"])
        world.add(rank)

    until_settled(world)

    assert [len(world.deposits(rank)) for rank in range(1, 4)] == [1] * 3
    assert {world.submission(rank).state for rank in range(1, 4)} <= {"submitted", "closed"}


# --- a copy that one deposit has not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("refused", [403, 302, 400, 410, 204])
@pytest.mark.parametrize("another", [True, False])
def test_a_copy_that_is_refused_for_good_keeps_nobody_waiting(
    witnessed: World, proxy: AlteringProxy, refused: int, another: bool
) -> None:
    """It is not shown, and no more: the account goes on. What number, seller and amount do not prove is a person's, and not sent."""
    proxy.before = lambda asked: (
        Said(refused, {}, b"<p>no</p>" if refused != 204 else b"")
        if asked.path.endswith(("/files", "/download"))
        else None
    )
    lost(witnessed)
    if another:
        in_search(
            proxy, lambda found: [each | {"businessData": each["businessData"] | {"monetary": {}}} for each in found]
        )

    until_settled(witnessed)
    witnessed.add(2)
    witnessed.deposit()

    assert witnessed.submission(2).state == "submitted"
    assert len(witnessed.deposits(1)) == 1
    assert witnessed.row(1).technical_status == ("error" if another else "validated")


@pytest.mark.parametrize(
    "page",
    [
        b'{"type":"INVOICE","id":',
        b"<html><title>OK</title></html>",
        b'<?xml version="1.0"?>\n<!-- portal -->\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN"><html/>',
        '<?xml version="1.0"?><html/>'.encode("utf-16"),
        b"",
    ],
)
def test_a_page_in_a_copys_place_is_no_copy_of_another_document(
    witnessed: World, proxy: AlteringProxy, page: bytes
) -> None:
    """A gateway's 200: it proves nothing, so number, seller, amount and currency decide (torture 702487651)."""
    proxy.before = lambda asked: Said(200, {}, page) if asked.path.endswith(("/files", "/download")) else None
    lost(witnessed)

    until_settled(witnessed)

    (deposit,) = witnessed.deposits(1)
    assert (witnessed.submission(1).state, witnessed.row(1).submission_id) == ("submitted", deposit["id"])


@pytest.mark.parametrize("page", [b"", b"<html>maintenance</html>"])
def test_a_copy_that_would_decide_is_asked_for_until_it_can_be_read(
    witnessed: World, proxy: AlteringProxy, page: bytes
) -> None:
    """Where the search does not show what distinguishes it from another (torture 484579004)."""
    proxy.before = lambda asked: Said(200, {}, page) if asked.path.endswith(("/files", "/download")) else None
    in_search(proxy, lambda found: [each | {"businessData": each["businessData"] | {"monetary": {}}} for each in found])
    lost(witnessed)

    until_settled(witnessed, 6)
    assert (witnessed.submission(1).state, witnessed.submission(1).last_error_code) == ("in_doubt", "unreadable_answer")
    proxy.before = lambda _asked: None
    until_settled(witnessed)

    (deposit,) = witnessed.deposits(1)
    assert (witnessed.submission(1).state, witnessed.row(1).submission_id) == ("submitted", deposit["id"])


@pytest.mark.parametrize("status", [302, 400, 410])
def test_a_search_that_is_not_answered_as_documented_pauses_no_deposits(
    witnessed: World, proxy: AlteringProxy, status: int
) -> None:
    proxy.before = lambda asked: Said(status, {}, b"<p>moved</p>") if "/search" in asked.path else None
    lost(witnessed)
    witnessed.advance(60)
    witnessed.deposit()

    witnessed.add(2)
    witnessed.deposit()

    assert witnessed.submission(1).state == "in_doubt"
    assert witnessed.submission(2).state == "submitted"


# --- B1: filters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["outbound", "OUT", "EMITTED", "Sortante"])
def test_a_deposit_is_found_however_its_direction_is_spelled(witnessed: World, word: str) -> None:
    witnessed.simulator.configure(spellings=[f"OUTBOUND={word}"])
    lost(witnessed)

    until_settled(witnessed)

    (deposit,) = witnessed.deposits(1)
    assert witnessed.row(1).submission_id == deposit["id"]


@pytest.mark.parametrize(
    "write", [str.lower, lambda n: n.replace("-", ""), lambda n: f"\u00a0{n}\u200b", lambda n: {"value": n}]
)
def test_a_deposit_is_found_however_its_number_is_written(witnessed: World, proxy: AlteringProxy, write: Any) -> None:
    def rewritten(entries: list[Any]) -> list[Any]:
        for each in entries:
            each["businessData"]["invoiceId"] = write(each["businessData"]["invoiceId"])
        return entries

    in_search(proxy, rewritten)
    lost(witnessed)

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1
    assert witnessed.row(1).submission_id == witnessed.deposits(1)[0]["id"]


@pytest.mark.slow
@pytest.mark.parametrize(("kept", "copies"), [(18, True), (18, False), (16, True)])
def test_a_deposit_is_found_under_what_is_left_of_a_long_number(
    witnessed: World, proxy: AlteringProxy, kept: int, copies: bool
) -> None:
    """Found by its bytes; where the platform shows no copy, a person compares. It is never sent again."""

    def cut(entries: list[Any]) -> list[Any]:
        for each in entries:
            each["businessData"]["invoiceId"] = each["businessData"]["invoiceId"][:kept]
        return entries

    number = "FACTURE2026PARIS0001"
    if not copies:
        without_copies(proxy)
    in_search(proxy, cut)
    witnessed.simulator.script(number, ["lost_answer"])
    content = render(replace(sample_invoice(1), number=number), "cii")
    witnessed.add(1, content=content, number=number)
    witnessed.deposit()

    until_settled(witnessed)

    (deposit,) = witnessed.simulator.ledger(number)
    submission = witnessed.submission(1)
    if copies:
        assert (submission.state, submission.platform_id) == ("submitted", deposit["id"])
        assert (submission.objection_code, witnessed.row(1).technical_status) == (None, "validated")
    else:
        assert (submission.state, submission.last_error_code) == ("failed", "conflicting_deposit")
        assert deposit["id"] in submission.last_error_message


# --- B2: emptiness needs a witness ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", ["first", "previous"])
def test_a_cache_that_ignores_the_question_makes_no_second_deposit(witnessed: World, how: str) -> None:
    lost(witnessed, 2)
    witnessed.simulator.configure(search_cache=how)
    witnessed.advance(20)
    witnessed.deposit()  # its page is what the cache keeps, with the witness on it
    lost(witnessed)

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1
    assert witnessed.submission(1).state in {"in_doubt", "submitted"}
    assert witnessed.submission(1).platform_id in {None, witnessed.deposits(1)[0]["id"]}


@pytest.mark.parametrize("hidden", ["all", f"number:{NUMBER}"])
def test_a_search_that_shows_nothing_of_ours_says_nothing(witnessed: World, hidden: str) -> None:
    witnessed.simulator.configure(search_hides=[hidden])
    lost(witnessed)

    until_settled(witnessed, 3)

    assert len(witnessed.deposits(1)) == 1
    assert witnessed.submission(1).last_error_code == ("search_not_credible" if hidden == "all" else "in_doubt")


@pytest.mark.slow
def test_a_search_that_hides_one_seller_says_nothing_of_that_one(witnessed: World) -> None:
    hidden = company("Sœur de Vauban SARL", "130", 7)
    witnessed.simulator.configure(search_hides=[f"seller:{hidden.siren}"])
    witnessed.simulator.script(NUMBER, ["lost_answer"])
    witnessed.add(1, content=_rendered(1, hidden), siren=hidden.siren)
    witnessed.deposit()

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1
    assert (witnessed.submission(1).state, witnessed.submission(1).last_error_code) == ("in_doubt", "no_witness")


@pytest.mark.slow
def test_the_first_deposit_of_an_account_is_not_sent_again_by_itself_and_the_next_one_is_its_witness(
    world: World,
) -> None:
    lost(world, fault="503")

    until_settled(world)
    assert world.deposits(1) == []
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("in_doubt", "no_witness")
    assert "no other deposit of this account" in world.submission(1).last_error_message

    world.witness()
    for _ in range(30):
        world.advance(300)
        world.deposit()
    assert len(world.deposits(1)) == 1
    assert world.row(1).technical_status == "validated"


def test_an_account_without_a_witness_is_a_persons_in_the_end(world: World) -> None:
    lost(world, fault="503")

    until_given_up(world)

    assert world.simulator.ledger() == []
    assert (world.row(1).technical_status, world.submission(1).last_error_code) == ("error", "no_witness")
    assert "Look its number up at the platform" in world.submission(1).last_error_message


@pytest.mark.slow
def test_a_refused_deposit_is_no_witness(world: World) -> None:
    world.witness()
    world.advance(60)
    (deposit,) = world.deposits(900)
    world.simulator.add_status(deposit["id"], "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    lost(world, fault="503")

    until_settled(world)

    assert (world.deposits(1), world.submission(1).last_error_code) == ([], "search_not_credible")


@pytest.mark.slow
def test_an_account_of_another_name_for_the_same_client_has_the_same_witnesses(witnessed: World) -> None:
    witnessed.put_secret("second", platform_secret(witnessed.simulator))
    witnessed.database.rows(RENAMED)
    lost(witnessed, fault="503")

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1
    assert witnessed.submission(1).account == "second"


# --- listings ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "switches", [{"search_cap": 1}, {"search_cap": 3}, {"search_endless": True}, {"search_count": "zero"}]
)
def test_a_deposit_is_found_on_whichever_page_it_stands(witnessed: World, switches: dict[str, Any]) -> None:
    witnessed.simulator.configure(search_loose=True, search_order="oldest", **switches)
    for place in range(7):
        witnessed.simulator.add_foreign_invoice(f"{NUMBER}{place}", seller=sample_invoice(1).seller.siren)
    lost(witnessed)

    until_settled(witnessed)

    (deposit,) = witnessed.deposits(1)
    assert witnessed.row(1).submission_id == deposit["id"]


@pytest.mark.slow
def test_a_count_that_is_higher_than_what_is_shown_unmakes_the_look_up(witnessed: World) -> None:
    lost(witnessed, fault="503")
    witnessed.simulator.configure(search_count="long")

    until_settled(witnessed)

    assert (witnessed.deposits(1), witnessed.submission(1).last_error_code) == ([], "search_not_whole")


@pytest.mark.slow
def test_a_listing_with_duplicates_is_whole(witnessed: World, proxy: AlteringProxy) -> None:
    lost(witnessed, fault="503")
    witnessed.simulator.configure(search_count="none")
    in_search(proxy, lambda entries: [each for each in entries for _ in range(2)])

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1


@pytest.mark.parametrize("dates", [True, False])
def test_an_account_that_takes_no_query_of_several_numbers_is_asked_in_another_way(
    witnessed: World, proxy: AlteringProxy, dates: bool
) -> None:
    witnessed.simulator.configure(search_dates=dates)
    proxy.before = lambda asked: Said(400, {}, b'{"statusMessage":"Unable to parse"}') if "+OR+" in asked.path else None
    lost(witnessed, fault="503")
    lost(witnessed, 2)

    until_settled(witnessed)

    assert [len(witnessed.deposits(rank)) for rank in (1, 2)] == [1, 1]
    assert witnessed.row(2).submission_id == witnessed.deposits(2)[0]["id"]


def test_the_doubts_of_an_account_are_looked_up_with_one_question(witnessed: World, proxy: AlteringProxy) -> None:
    for rank in (1, 2, 3):
        witnessed.simulator.script(sample_invoice(rank).number, ["503"])
        witnessed.add(rank)
    witnessed.deposit()
    proxy.requests.clear()

    witnessed.advance(20)
    witnessed.deposit()

    asked = [each.path for each in proxy.requests if "/search" in each.path]
    assert all(sample_invoice(rank).number in asked[0] for rank in (1, 2, 3, 900))
    assert len([each for each in asked if sample_invoice(1).number in each]) == 2  # and its empty page
    assert [witnessed.submission(rank).empty_lookups for rank in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize("omitted", [["businessData"], []])
def test_the_bytes_of_a_deposit_that_another_invoice_has_stop_both(witnessed: World, omitted: list[str]) -> None:
    """One answer was lost and the next one named its deposit; the search shows no number, and its copy is the first one's document."""
    witnessed.simulator.configure(search_omits=omitted)
    lost(witnessed)
    witnessed.simulator.script(sample_invoice(2).number, ["deposit_ids=previous"])
    witnessed.add(2)
    witnessed.deposit()
    assert witnessed.row(2).submission_id == witnessed.deposits(1)[0]["id"]

    until_settled(witnessed, 3)

    assert [witnessed.row(rank).technical_status for rank in (1, 2)] == ["error", "error"]
    assert (witnessed.submission(1).last_error_code, witnessed.submission(2).objection_code) == (
        "shown_as_another", "shown_as_another",
    )  # fmt: skip
    assert [len(witnessed.deposits(rank)) for rank in (1, 2)] == [1, 1]


def test_the_bytes_take_back_a_refusal_of_what_was_anothers_deposit(witnessed: World) -> None:
    """Nothing showed a number before: its own deposit stands, and corrected it would be sent beside it."""
    witnessed.simulator.configure(search_omits=["businessData"], history_twists=["nulls"])
    lost(witnessed)
    witnessed.simulator.script(sample_invoice(2).number, ["deposit_ids=previous"])
    witnessed.add(2)
    witnessed.deposit()
    witnessed.simulator.add_status(witnessed.deposits(1)[0]["id"], "REJECTED", author="PLATFORM")
    witnessed.advance(70)
    witnessed.poll()
    assert witnessed.submission(2).state == "rejected"

    until_settled(witnessed, 3)

    assert (witnessed.submission(2).state, witnessed.submission(2).last_error_code) == ("failed", "shown_as_another")
    assert witnessed.row(2).technical_status == "error"
    assert [len(witnessed.deposits(rank)) for rank in (1, 2)] == [1, 1]


# --- B3: two clocks ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "dated"), [(7200, "right"), (7200, "none"), (-7200, "right")])
def test_a_database_clock_that_is_set_in_a_doubt_makes_no_second_deposit(
    witnessed: World, seconds: float, dated: str
) -> None:
    witnessed.simulator.configure(search_lag=500, date_header=dated)
    lost(witnessed)
    witnessed.advance(20)
    witnessed.deposit()

    skew(witnessed, seconds)
    for _ in range(20):
        witnessed.advance(20)
        witnessed.deposit()

    assert len(witnessed.deposits(1)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("dated", ["right", "none"])
def test_a_clock_that_is_set_between_attempt_and_first_look_up_makes_no_second_deposit(
    witnessed: World, dated: str
) -> None:
    witnessed.simulator.configure(search_lag=500, date_header=dated)
    lost(witnessed)

    skew(witnessed, 7200)
    for _ in range(20):
        witnessed.advance(20)
        witnessed.deposit()

    assert len(witnessed.deposits(1)) == 1


@pytest.mark.slow
def test_a_date_that_stands_still_makes_no_doubt_hang_for_ever(witnessed: World) -> None:
    witnessed.simulator.configure(date_header="still")
    lost(witnessed, fault="503")

    until_settled(witnessed)
    assert (witnessed.deposits(1), witnessed.submission(1).state) == ([], "in_doubt")

    until_given_up(witnessed)
    assert (witnessed.deposits(1), witnessed.submission(1).last_error_code) == ([], "given_up")
    assert "clock has moved on by only 0 s" in witnessed.submission(1).last_error_message


@pytest.mark.slow
def test_a_platform_that_shows_no_date_is_asked_by_our_clock(witnessed: World) -> None:
    witnessed.simulator.configure(date_header="none")
    lost(witnessed, fault="503")

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1


@pytest.mark.slow
def test_a_platform_that_shows_no_date_and_was_down_is_looked_at_for_as_long_as_any(witnessed: World) -> None:
    """Hours in which nobody could look are no look-ups: after them the waiting goes on where it stood."""
    witnessed.simulator.configure(date_header="none")
    lost(witnessed, fault="503")
    witnessed.simulator.outage(3 * 3600, "close", ["search"])
    witnessed.advance(3 * 3600 + 60)

    until_settled(witnessed, 4)
    assert witnessed.deposits(1) == []
    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1


# --- B4: identity -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("omitted", ["seller", "amount", "currency", "number", "businessData"])
def test_what_is_not_shown_is_no_evidence(witnessed: World, proxy: AlteringProxy, omitted: str) -> None:
    witnessed.simulator.configure(search_omits=[omitted])
    without_copies(proxy)
    lost(witnessed)

    until_settled(witnessed)

    (deposit,) = witnessed.deposits(1)
    assert (witnessed.row(1).technical_status, witnessed.submission(1).last_error_code) == (
        "error",
        "conflicting_deposit",
    )
    assert f"facteur adopt id:{witnessed.ids[1]} {deposit['id']}" in witnessed.submission(1).last_error_message


@pytest.mark.slow
@pytest.mark.parametrize("omitted", ["number", "businessData"])
def test_a_deposit_without_a_number_is_not_in_the_way_of_what_was_asked_for_with_it(
    witnessed: World, omitted: str
) -> None:
    """Both doubts are looked up with one question; the bytes say whose the deposit is."""
    witnessed.simulator.configure(search_omits=[omitted], search_lag=500)  # shown by the look-up that is the last
    witnessed.advance(600)
    for rank, fault in ((1, "503"), (2, "503_stored"), (3, "503")):  # in whichever order they are judged
        witnessed.simulator.script(sample_invoice(rank).number, [fault])
        witnessed.add(rank)
    witnessed.deposit()

    until_settled(witnessed)

    assert [len(witnessed.deposits(rank)) for rank in (1, 2, 3)] == [1, 1, 1]
    assert [witnessed.submission(rank).state for rank in (1, 2, 3)] == ["submitted"] * 3


def test_number_seller_amount_and_currency_that_all_agree_are_enough(witnessed: World, proxy: AlteringProxy) -> None:
    without_copies(proxy)
    lost(witnessed)

    until_settled(witnessed)

    (deposit,) = witnessed.deposits(1)
    assert witnessed.row(1).submission_id == deposit["id"]


@pytest.mark.slow
def test_an_amount_that_is_a_strangers_by_chance_proves_nothing(witnessed: World, proxy: AlteringProxy) -> None:
    without_copies(proxy)
    lost(witnessed, fault="503")
    total = str(sample_invoice(1).total)
    witnessed.simulator.add_foreign_invoice(NUMBER, seller="999999998", total=total)

    until_settled(witnessed)

    assert witnessed.row(1).submission_id is None
    assert witnessed.submission(1).last_error_code == "conflicting_deposit"


@pytest.mark.slow
def test_two_open_doubts_of_equal_number_and_amount_are_settled_by_bytes_alone(
    witnessed: World, proxy: AlteringProxy
) -> None:
    lost(witnessed)
    witnessed.database.rows(RIVAL)
    without_copies(proxy)
    until_settled(witnessed)
    assert witnessed.submission(1).last_error_code == "conflicting_deposit"

    proxy.before = lambda _asked: None
    witnessed.update(1, technical_status="pending")
    until_settled(witnessed)

    assert witnessed.row(1).submission_id == witnessed.deposits(1)[0]["id"]


# --- B6: our own table ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("fault", [None, "lost_answer", "400"])
def test_a_number_that_another_row_sent_does_not_go_out_a_second_time(witnessed: World, fault: str | None) -> None:
    if fault:
        witnessed.simulator.script(NUMBER, [fault])
    first = witnessed.add(1)
    witnessed.deposit()
    witnessed.add(2, number=NUMBER, content=_rendered(2, number=NUMBER), total=sample_invoice(2).total)

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1
    if fault == "400":  # nothing was deposited: the number is free
        assert witnessed.row(2).technical_status == "validated"
        return
    assert (witnessed.row(2).technical_status, witnessed.submission(2).last_error_code) == (
        "error",
        "number_sent_already",
    )
    assert f"row id:{first} (deposit {witnessed.deposits(1)[0]['id']})" in witnessed.submission(2).last_error_message


@pytest.mark.slow
def test_a_number_that_its_own_rejected_deposit_keeps_is_said_to_be_its_own(witnessed: World) -> None:
    witnessed.simulator.configure(rejected_keeps_number=True)
    witnessed.add(1, content=render(sample_invoice(1, buyer=UNKNOWN_BUYER), "cii"))
    witnessed.deposit()
    (first,) = witnessed.deposits(1)
    witnessed.advance(120)
    witnessed.poll()
    assert witnessed.row(1).technical_status == "rejected"
    corrected = witnessed.folder / "corrected.xml"
    corrected.write_bytes(render(sample_invoice(1), "cii") + b"<!-- corrected -->")
    witnessed.update(1, document_uri=corrected.as_uri(), technical_status="pending")

    for _ in range(ROUNDS):
        witnessed.deposit()
        witnessed.poll()
        witnessed.advance(160)

    assert len(witnessed.deposits(1)) == 2
    assert f"its own rejected deposit {first['id']} keeps the number" in witnessed.submission(1).last_error_message


def test_a_number_of_another_year_or_seller_is_another_number(witnessed: World) -> None:
    witnessed.add(1)
    witnessed.deposit()
    witnessed.add(2, number=NUMBER, content=_rendered(2, number=NUMBER), issue_date="2027-01-04")
    seller = company("Sœur de Vauban SARL", "130", 7)
    witnessed.add(3, number=NUMBER, content=_rendered(3, seller, NUMBER), siren=seller.siren)

    witnessed.deposit()

    assert len(witnessed.deposits(1)) == 3


def _rendered(rank: int, seller: Any = None, number: str | None = None) -> bytes:
    invoice = sample_invoice(rank, seller=seller)
    return render(replace(invoice, number=number or invoice.number), "cii")


# --- a document that does not say under which number it is kept ---------------------------------------------------------

UNREAD = {"two invoices": b"\nstream\n" + render(sample_invoice(2), "cii") + b"\nendstream\n", "no invoice": b""}


@pytest.mark.parametrize("kind", UNREAD)
def test_a_pdf_whose_number_cannot_be_read_is_never_sent_again_by_itself(witnessed: World, kind: str) -> None:
    """The platform may keep it under any number, or none: that a search for the row's shows nothing says nothing."""
    first = render(sample_invoice(1), "facturx") if UNREAD[kind] else plain_pdf(sample_invoice(1))
    lost(witnessed, syntax="facturx", content=first + UNREAD[kind])
    witnessed.simulator.configure(search_hides=[f"number:{NUMBER}"])

    until_settled(witnessed, 20)
    assert (witnessed.submission(1).state, witnessed.submission(1).last_error_code) == ("in_doubt", "number_unknown")
    until_given_up(witnessed)

    assert (witnessed.row(1).technical_status, witnessed.submission(1).state) == ("error", "failed")
    assert "no number could be read in what was sent" in witnessed.submission(1).last_error_message
    assert len(witnessed.simulator.calls("deposit")) == 2  # the witness's, and its own


def test_a_pdf_whose_number_was_read_is_sent_again_as_any_other(witnessed: World) -> None:
    lost(witnessed, syntax="facturx", fault="503")

    until_settled(witnessed)

    assert witnessed.submission(1).state == "submitted"
    assert len(witnessed.deposits(1)) == 1


def test_a_pdf_whose_number_cannot_be_read_is_no_witness(world: World) -> None:
    world.add(5, "facturx", content=render(sample_invoice(5), "facturx") + UNREAD["two invoices"])
    world.deposit()
    lost(world, fault="503")

    until_settled(world)

    assert world.submission(1).last_error_code == "no_witness"


@pytest.mark.parametrize("larger", [0, 6_000_000])
def test_a_pdf_that_has_not_the_rows_number_is_not_sent(world: World, larger: int) -> None:
    """Small ones are read in memory, large ones where they lie."""
    world.add(1, "facturx", number="F-OTHER", content=render(sample_invoice(1), "facturx") + b"\n%" + b" " * larger)

    world.deposit()

    assert world.simulator.calls("deposit") == []
    assert (world.row(1).technical_status, world.submission(1).last_error_code) == ("error", "number_differs")
