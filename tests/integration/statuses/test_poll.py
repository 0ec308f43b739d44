"""What the platform reports later: verdicts, silence, quotas, strangers, and who hears of it."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from functions.poll_statuses import app as poll_statuses_app
from local.invoices import DIFFICULT_BUYERS, render, sample_invoice, truncated
from local.world.levers import World, platform_secret
from tests.raw_server import RawServer, http_answer, raw_servers

NUMBER = sample_invoice(1).number
ONLY_HISTORY = pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "history"}])
LATER = 7300.0  # after the buyer's decision, and after statuses are due again


ALSO = [pytest.param(source, marks=pytest.mark.slow) for source in ("pull", "history")]  # in `make test-all`


@pytest.fixture(params=["sweep", *ALSO])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """Whatever the source of statuses, they mean the same."""
    return {"STATUS_SOURCE": request.param}


def deposited(world: World, buyer: str | None = None, rank: int = 1) -> str:
    """Deposit an invoice for a buyer that behaves like this; the platform's id."""
    invoice = sample_invoice(rank, buyer=DIFFICULT_BUYERS[buyer] if buyer else None)
    world.add(rank, content=render(invoice, "cii"))
    world.deposit()
    return str(world.row(rank).submission_id)


def polled(world: World, seconds: float) -> None:
    world.advance(seconds)
    world.poll()


def codes(world: World) -> list[str]:
    return [row.code for row in world.database.rows("select code from facteur.status_events order by occurred_at, id")]


# --- verdicts ---------------------------------------------------------------------------------------------------------


def test_a_213_after_validated_turns_the_invoice_rejected_with_reason_words_and_who_said_it(world: World) -> None:
    deposit = deposited(world, "213")
    polled(world, 10)
    assert (world.row(1).technical_status, world.submission(1).lifecycle_code) == ("validated", "201")

    polled(world, LATER)

    submission = world.submission(1)
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("rejected", deposit)
    assert (submission.state, submission.lifecycle_code) == ("rejected", "213")
    assert submission.last_error_code == "EINVOICING_ADDRESS_INCORRECT"
    assert "213 Rejetée, said by the platform" in submission.last_error_message
    assert "The platform says: The recipient's platform does not serve this address." in submission.last_error_message
    assert "set technical_status back to 'pending'" in submission.last_error_message


def test_a_rejection_says_which_party_it_came_from(world: World) -> None:
    world.simulator.add_status(
        deposited(world), "REJECTED", reason="CALCULATION_ERROR", message="3 × 4 = 13", author="BUYER", at_offset=5
    )

    polled(world, 10)

    assert "said by buyer. The platform says: 3 × 4 = 13." in world.submission(1).last_error_message


def test_an_unreadable_file_is_a_501(world: World) -> None:
    world.add(1, content=truncated(render(sample_invoice(1), "cii")))
    world.deposit()

    polled(world, 10)

    assert world.row(1).technical_status == "rejected"
    assert (world.submission(1).lifecycle_code, codes(world)) == ("501", ["501"])
    assert "501 Irrecevable" in world.submission(1).last_error_message


def test_a_corrected_invoice_is_deposited_anew_after_a_rejection(world: World) -> None:
    first = deposited(world, "213")
    polled(world, LATER)

    path = world.folder / "corrected.xml"
    path.write_bytes(render(sample_invoice(1), "cii"))
    world.update(1, document_uri=path.as_uri(), technical_status="pending")
    world.deposit()

    second = world.row(1).submission_id
    assert world.row(1).technical_status == "validated"
    assert [deposit["id"] for deposit in world.deposits(1)] == [first, second]


@pytest.mark.parametrize(("code", "number"), [("REFUSED", "210"), ("CANCELLED", "220")])
def test_a_final_status_closes_the_life_cycle_and_is_never_asked_for_again(
    world: World, code: str, number: str
) -> None:
    world.simulator.add_status(deposited(world), code, reason="OTHER", at_offset=5)
    polled(world, 10)

    assert (world.row(1).technical_status, world.submission(1).state) == ("validated", "closed")
    assert world.submission(1).lifecycle_code == number

    asked = len(world.simulator.calls("history"))
    polled(world, 100_000)
    assert len(world.simulator.calls("history")) == asked


def test_a_payment_repeats_and_closes_nothing(world: World) -> None:
    deposit = deposited(world)
    for at_offset in (1, 2, 3):
        world.simulator.add_status(deposit, "PAYMENT_RECEIVED", at_offset=at_offset, author="SELLER")

    polled(world, 10)

    assert (world.submission(1).state, world.submission(1).lifecycle_code) == ("submitted", "212")
    assert codes(world).count("212") == 3


def test_an_unknown_code_is_kept_as_it_is(world: World) -> None:
    world.simulator.add_status(deposited(world), "TELEPORTED", at_offset=5)

    polled(world, 10)

    assert (world.submission(1).state, world.submission(1).lifecycle_code) == ("submitted", "TELEPORTED")
    (event,) = world.database.rows("select * from facteur.status_events where code = 'TELEPORTED'")
    assert (event.platform_code, event.label) == ("TELEPORTED", "TELEPORTED")


def test_follow_up_ends(world: World) -> None:
    deposited(world)

    polled(world, 401 * 86400)

    assert (world.row(1).technical_status, world.submission(1).state) == ("validated", "closed")


# --- silence ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("switches", [{}, {"history_young": 404}, {"history_shape": "data"}])
def test_a_young_deposit_without_a_history_is_no_error(
    world: World, switches: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    world.simulator.configure(speed=0.01, **switches)
    deposited(world)

    polled(world, 10)
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("submitted", None)
    assert codes(world) == []
    assert not [record for record in caplog.records if record.levelname == "WARNING"]

    polled(world, 100)
    assert world.submission(1).lifecycle_code == "203"


@pytest.mark.parametrize(("sandbox", "state"), [(True, "closed"), (False, "submitted"), (None, "submitted")])
def test_a_sandbox_that_stays_silent_for_an_hour_is_closed_without_an_alarm(
    world: World, sandbox: bool | None, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.put_secret("default", platform_secret(world.simulator) | ({} if sandbox is None else {"sandbox": sandbox}))
    world.simulator.configure(speed=1e-6)
    deposited(world)

    polled(world, 3590)
    assert world.submission(1).state == "submitted"
    polled(world, 400)

    assert (world.submission(1).state, world.row(1).technical_status) == (state, "validated")
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_sandbox_that_speaks_is_followed_like_production(world: World) -> None:
    world.put_secret("default", platform_secret(world.simulator) | {"sandbox": True})
    deposited(world)

    polled(world, LATER)

    assert (world.submission(1).state, world.submission(1).lifecycle_code) == ("submitted", "203")


# --- quotas and failures ------------------------------------------------------------------------------------------------


def test_a_429_pauses_all_histories_for_as_long_as_it_says(world: World) -> None:
    world.simulator.configure(history_quota=2, retry_after="seconds", history_block=120)
    for rank in range(4):
        deposited(world, rank=rank)

    polled(world, 10)
    asked = len(world.simulator.calls("history"))
    polled(world, 60)
    assert len(world.simulator.calls("history")) == asked

    world.simulator.configure(history_quota=0)
    polled(world, 70)
    assert None not in {world.submission(rank).lifecycle_code for rank in range(4)}


def test_deposits_go_on_while_histories_pause(world: World) -> None:
    deposited(world)
    world.simulator.script_endpoint("history", ["429_seconds:600"])
    polled(world, 10)

    deposited(world, rank=2)

    assert world.row(2).technical_status == "validated"


@ONLY_HISTORY
@pytest.mark.parametrize(
    "fault", ["500", "html", "unreadable", "reset", "close", "truncated", "400_html", "302", "403"]
)
def test_a_history_that_cannot_be_read_is_read_later(world: World, fault: str) -> None:
    deposited(world)
    world.simulator.script_endpoint("history", [fault])

    polled(world, 10)
    assert (world.submission(1).state, world.row(1).technical_status) == ("submitted", "validated")
    assert codes(world) == []

    polled(world, 400)
    assert world.submission(1).lifecycle_code == "203"


@ONLY_HISTORY
def test_a_page_in_the_place_of_young_histories_keeps_no_deposit_waiting(world: World) -> None:
    """Nobody has recorded how a platform says that there is no history yet: six such answers are no outage."""
    world.simulator.outage(1e9, "answer:404:html", ["history"])
    for rank in range(1, 7):
        deposited(world, rank=rank)
    for _ in range(3):
        polled(world, 100)

    deposited(world, rank=8)

    assert world.row(8).technical_status == "validated"
    assert {each.failures for each in world.database.rows("select failures from facteur.budgets")} == {0}
    world.simulator.outage(0, "503", ["history"])
    polled(world, 400)
    assert world.submission(1).lifecycle_code == "203"


# --- what is read twice, out of order, or not ours ------------------------------------------------------------------------


@ONLY_HISTORY
@pytest.mark.parametrize(
    "twists", [[], ["reversed"], ["shuffled"], ["duplicated"], ["nulls"], ["reversed", "duplicated", "nulls"]]
)
def test_a_repeated_read_adds_nothing_and_order_does_not_matter(world: World, twists: list[str]) -> None:
    world.simulator.twist(NUMBER, twists)
    deposited(world)
    polled(world, 10)
    first = codes(world)

    polled(world, LATER)
    polled(world, LATER)

    assert codes(world) == first == ["200", "200", "201", "202", "203"]
    assert world.submission(1).lifecycle_code == "203"
    assert [call["status"] for call in world.simulator.calls("history")].count(200) == 3


def history_server(entries: list[dict[str, Any]]) -> Any:
    """A platform that accepts a deposit as `ours`, and shows this history of it."""
    answers = {
        b"/realms": http_answer(200, {"access_token": "t", "expires_in": 1740}),
        b"/v1/invoice ": http_answer(201, {"type": "INVOICE", "id": "ours"}),
        b"/v1/invoice/ours/status-history": http_answer(200, entries),
    }

    def behave(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            line = server.received[-1].partition(b"\r\n")[0]
            connection.sendall(next(text for path, text in answers.items() if b" " + path in line))

    return behave


def said(status_id: Any, invoice_id: str | None, code: Any, second: int = 0, **more: Any) -> dict[str, Any]:
    status = {
        "statusId": status_id,
        "invoiceId": invoice_id,
        "date": f"2026-10-12T08:15:{second:02}.000Z",
        "status": {"code": code},
    }
    return status | {"destType": "OPERATOR", "xml": "", "json": None} | more


@ONLY_HISTORY
def test_a_foreign_status_in_a_history_is_kept_out(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    history = [
        said("1", "ours", "SUBMITTED"),
        said("2", "another invoice", "REJECTED", 1),
        said("3", None, "ISSUED", 2),
    ]
    with raw_servers() as serving:
        server = serving(history_server(history))
        monkeypatch.setenv("IOPOLE_BASE_URL", server.url)
        monkeypatch.setenv("IOPOLE_AUTH_URL", server.url)
        world.new_container()
        deposited(world)
        polled(world, 10)
        world.new_container()

    assert (world.submission(1).state, codes(world)) == ("submitted", ["200", "201"])
    assert [record.foreign for record in caplog.records if record.getMessage() == "history.foreign"] == [1]  # type: ignore[attr-defined]


@ONLY_HISTORY
def test_an_absurd_history_is_stored_as_far_as_it_can_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    history: list[Any] = [
        17, None, [], {}, said(None, "ours", None, json={"responses": 17, "notes": {}, "sender": []}),
        said({"a": 1}, "ours", {"b": 2}, date=float("nan")), said("x\x00\ud800", "ours", "A\x00\ud800" * 999, 3),
        said("y", "ours", "TOO_OLD", date="0001-01-01T00:00:00+23:59"), said("z", "ours", "ODD", date="2026-10-12T00:00:00+23:59"),
        said("9", "ours", "ISSUED", 4, json={"responses": [{"rejectionDetail": {"errors": 5, "message": 1e999}}]}),
        said("8", "ours", "SUBMITTED", 2, date="9999-12-31T23:59:59-23:59"),
    ]  # fmt: skip
    with raw_servers() as serving:
        server = serving(history_server(history))
        monkeypatch.setenv("IOPOLE_BASE_URL", server.url)
        monkeypatch.setenv("IOPOLE_AUTH_URL", server.url)
        world.new_container()
        deposited(world)
        polled(world, 10)
        world.new_container()

    assert world.submission(1).state == "submitted"
    assert {"200", "201", "UNKNOWN"} <= set(codes(world))


# --- the company's own history --------------------------------------------------------------------------------------------

HISTORY_TABLE = """
create table invoicing.status_history (invoice_id text, code text, label text, comment text, occurred_at timestamptz);
create or replace function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz)
    returns void language sql security definer as $$
    insert into invoicing.status_history values (invoice_id, code, label, comment, occurred_at)
$$
"""


def company_history(world: World) -> list[tuple[str, str, str]]:
    rows = world.database.rows("select * from invoicing.status_history")
    assert {row.invoice_id for row in rows} <= {str(world.ids[1])}
    return [(row.code, row.label, row.comment) for row in rows]


def test_the_companys_own_history_hears_of_each_status_once_and_in_order(world: World) -> None:
    world.database.rows(HISTORY_TABLE)
    deposit = deposited(world)
    polled(world, 10)
    world.simulator.add_status(deposit, "DISPUTED", reason="QUANTITY_INCORRECT", message="two of three")
    polled(world, LATER)
    polled(world, LATER)

    assert [code for code, _, _ in company_history(world)] == ["200", "200", "201", "202", "203", "207"]
    assert company_history(world)[-1] == ("207", "En litige", "QUANTITY_INCORRECT: two of three")


def test_a_company_history_that_raises_holds_nothing_back_and_hears_of_it_later(world: World) -> None:
    world.database.rows(HISTORY_TABLE)
    world.database.rows("alter table invoicing.status_history add constraint no_213 check (code <> '213') not valid")
    deposited(world, "213")

    polled(world, LATER)
    assert (world.submission(1).state, company_history(world)) == ("rejected", [])
    assert world.submission(1).write_back_due_at is not None

    world.database.rows("alter table invoicing.status_history drop constraint no_213")
    world.advance(LATER)
    world.relay()
    assert [code for code, _, _ in company_history(world)] == ["200", "200", "201", "213"]
    assert world.row(1).technical_status == "rejected"


# --- duplicates -------------------------------------------------------------------------------------------------------


def deposited_twice(world: World) -> tuple[str, str]:
    """The first answer is lost, search lags behind by hours, and so the invoice is sent again; the two ids."""
    world.witness()
    world.advance(1e5)
    world.simulator.configure(search_lag=1e5)
    world.simulator.script(NUMBER, ["lost_answer"])
    world.add(1)
    world.deposit()
    for _ in range(6):
        world.advance(300)
        world.deposit()
    first, second = (str(deposit["id"]) for deposit in world.deposits(1))
    assert world.row(1).submission_id == second
    return first, second


@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "history"}, {"STATUS_SOURCE": "pull"}])  # no search shows it
def test_a_duplicate_verdict_on_our_own_second_deposit_resolves_to_the_first(world: World) -> None:
    first, second = deposited_twice(world)

    polled(world, 10)
    assert (world.submission(1).state, world.row(1).technical_status) == ("in_doubt", "pending")

    world.simulator.configure(search_lag=0)
    world.advance(60)
    world.deposit()

    assert (world.row(1).technical_status, world.row(1).submission_id) == ("validated", first)
    assert {attempt.platform_id: attempt.outcome for attempt in world.attempts(1)} == {
        first: "accepted",
        second: "duplicate",
    }

    assert len(world.deposits(1)) == 2


class OneSecond:
    """A function that has a second left, beside what it keeps for an answer and for recording."""

    def get_remaining_time_in_millis(self) -> int:
        return 5500


@pytest.mark.parametrize(
    "settings", [{"CONNECT_TIMEOUT_SECONDS": "0.5", "READ_TIMEOUT_SECONDS": "1", "STATUS_SOURCE": "history"}]
)
def test_after_a_duplicate_the_first_deposits_own_life_cycle_is_followed(
    world: World, settings: dict[str, str]
) -> None:
    deposited_twice(world)
    polled(world, 10)
    world.simulator.configure(search_lag=0)
    world.advance(60)
    world.deposit()
    world.advance(60)
    asked = len(world.simulator.calls("history"))

    poll_statuses_app.handler({}, OneSecond())

    assert (world.submission(1).state, world.submission(1).lifecycle_code) == ("submitted", "203")
    assert len(world.simulator.calls("history")) - asked <= 2  # the second where the token had to be renewed


def test_a_duplicate_verdict_takes_nothing_away_of_what_the_same_deposit_has_reached(world: World) -> None:
    deposit = deposited(world)
    world.simulator.add_status(deposit, "REJECTED", reason="DUPLICATED_INVOICE", message="gone", at_offset=5)

    polled(world, 10)
    for _ in range(6):
        world.advance(300)
        world.deposit()
        world.poll()

    submission = world.submission(1)
    assert (world.row(1).technical_status, world.row(1).submission_id) == ("error", deposit)
    assert (submission.state, submission.lifecycle_code, submission.objection_code) == ("submitted", "203", "duplicate")
    assert "as a duplicate, after 203 Mise à disposition" in submission.mismatch
    assert len(world.deposits(1)) == 1
