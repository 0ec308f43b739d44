"""A feed that is refused, or fails: its place is given up, its account's deposits go on, and histories are read in its stead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.invoices import sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.integration.statuses.test_silence import heard, result
from tests.measured import measured
from tests.operator import Operator
from tests.two_accounts import SHOW_ACCOUNTS

OWN_WORDS = {"http_status_code": 0, "message": "no", "errorCode": "PARAMS_ERROR", "errorMessage": "no"}


@pytest.fixture(scope="module")
def events() -> Iterator[Simulator]:
    with running_simulator(platform="superpdp") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def flows() -> Iterator[Simulator]:
    with running_simulator(platform="afnor") as simulator:
        yield simulator


@dataclass(frozen=True, slots=True)
class Fed:
    """A world whose account `pdp` has a feed, and lies behind a proxy."""

    world: World
    pdp: Simulator
    proxy: AlteringProxy

    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)
        self.pdp.advance(seconds)

    def add(self, *ranks: int) -> None:
        for rank in ranks:
            self.world.add(rank)
            self.world.update(rank, account="pdp")

    def deposited(self, *ranks: int) -> None:
        """Deposits whose statuses were read up to a place."""
        self.add(*ranks)
        self.world.deposit()
        for seconds in (300, 900):
            self.advance(seconds)
            self.world.poll()

    def polled(self, minutes: int, every: int = 1) -> None:
        for _ in range(0, minutes, every):
            self.advance(every * 60)
            self.world.poll()

    def answers(self, status: int, about: Callable[[Asked], bool]) -> None:
        """To requests of this kind, for ever."""
        said = Said(status, {"Content-Type": "application/json"}, json.dumps(OWN_WORDS).encode())
        self.proxy.before = lambda asked: said if about(asked) else None

    def paid(self, rank: int) -> None:
        """Say at the platform that an invoice was paid: a status that a feed alone shows soon."""
        self.pdp.add_status(self.world.submission(rank).platform_id, "PAYMENT_RECEIVED", author="SELLER")

    @property
    def place(self) -> Any:
        return self.world.database.row('select "cursor" as place, reached, failing_since from facteur.feeds')

    @property
    def account(self) -> Any:
        return self.world.database.row(
            """select paused_until > facteur.now() as paused, pause_reason, recovery, failures from facteur.budgets
               where key = 'account:pdp'"""
        )


@pytest.fixture
def superpdp(world: World, events: Simulator) -> Iterator[Fed]:
    events.reset()
    world.database.rows(SHOW_ACCOUNTS)
    with altering(events.base_url) as proxy:
        credentials = {"client_id": events.client_id, "client_secret": events.client_secret, "base_url": proxy.url}
        world.put_secret("pdp", {"provider": "superpdp", **credentials})
        yield Fed(world, events, proxy)


@pytest.fixture
def afnor(world: World, flows: Simulator) -> Iterator[Fed]:
    flows.reset()
    flows.configure(afnor_version="1.3")
    world.database.rows(SHOW_ACCOUNTS)
    with altering(flows.base_url) as proxy:
        secret = {
            "provider": "afnor", "client_id": flows.client_id, "client_secret": flows.client_secret,
            "flow_url": f"{proxy.url}/flow-service/v1", "token_url": f"{flows.auth_url}/oauth2/token",
        }  # fmt: skip
        world.put_secret("pdp", secret)
        yield Fed(world, flows, proxy)


def the_feed(asked: Asked) -> bool:
    return "invoice_events" in asked.path and "invoice_id=" not in asked.path


def behind(place: str) -> Callable[[Asked], bool]:
    return lambda asked: the_feed(asked) and f"starting_after_id={place}&" in asked.path


def the_search_of_flows(asked: Asked) -> bool:
    return asked.path.endswith("/flows/search") and b"updatedAfter" in asked.body


def a_cursor(asked: Asked) -> bool:
    return asked.path.endswith("/flows/search") and b'"cursor"' in asked.body


# --- a place that is refused ------------------------------------------------------------------------------------------


def lines(caplog: pytest.LogCaptureFixture, name: str) -> list[Any]:
    return [record for record in caplog.records if record.getMessage() == name]


def assert_reset_said(caplog: pytest.LogCaptureFixture, status: int, code: str) -> None:
    """Once, with what was answered, what happens by itself, and when a person has something to do."""
    (said,) = lines(caplog, "feed.reset")
    assert (said.levelname, said.account, said.http_status, said.error_code) == ("WARNING", "pdp", status, code)
    assert said.next_step.startswith("nothing at first: its feed is read again from the beginning")
    assert "if it stays so, ask the platform" in said.next_step


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "account_refused"), pytest.param(410, "platform_unavailable", marks=pytest.mark.slow), (400, "cursor_refused"),
     (422, "platform_unavailable")],
)  # fmt: skip
def test_a_place_that_is_refused_in_whatever_way_is_given_up_at_once(
    superpdp: Fed, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    superpdp.deposited(1, 7)
    superpdp.paid(1)
    superpdp.answers(status, behind(superpdp.place.place))

    superpdp.polled(3)

    assert superpdp.world.submission(1).lifecycle_code == "212"
    assert superpdp.place.failing_since is None
    assert_reset_said(caplog, status, code)


def test_a_place_of_another_platform_is_given_up_at_once(afnor: Fed, caplog: pytest.LogCaptureFixture) -> None:
    """As a database has it whose account was moved by hand: the platform itself is not asked for it."""
    afnor.deposited(1)
    afnor.world.database.rows("update facteur.feeds set \"cursor\" = '4711'")
    afnor.paid(1)

    afnor.polled(3)

    assert afnor.world.submission(1).lifecycle_code == "212"
    (said,) = lines(caplog, "feed.reset")
    assert said.error_code == "cursor_refused"
    assert "http_status" not in vars(said)


def test_where_each_place_is_refused_the_feed_begins_without_one(superpdp: Fed) -> None:
    superpdp.answers(400, lambda asked: the_feed(asked) and "starting_after_id=" in asked.path)
    superpdp.deposited(1)
    superpdp.paid(1)

    superpdp.polled(3)

    assert superpdp.world.submission(1).lifecycle_code == "212"


@pytest.mark.parametrize("status", [500, pytest.param(503, marks=pytest.mark.slow)])
def test_a_place_on_which_the_platform_fails_for_an_hour_is_given_up(
    superpdp: Fed, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    superpdp.deposited(1, 7)
    superpdp.paid(1)
    superpdp.answers(status, behind(superpdp.place.place))

    superpdp.polled(50, every=5)
    assert superpdp.place.place is not None
    assert not lines(caplog, "feed.reset")
    superpdp.polled(30, every=3)

    assert superpdp.world.submission(1).lifecycle_code == "212"
    assert superpdp.place.failing_since is None
    assert_reset_said(caplog, status, "platform_unavailable")


def test_a_place_is_kept_while_nothing_else_is_answered_either(superpdp: Fed) -> None:
    superpdp.deposited(1)
    place = superpdp.place.place
    superpdp.answers(500, lambda asked: "/v1.beta/" in asked.path)

    superpdp.polled(90, every=5)

    assert superpdp.place.place == place
    assert superpdp.account.pause_reason == "platform_down"


@pytest.mark.parametrize("status", [404, 500, *(pytest.param(each, marks=pytest.mark.slow) for each in (410, 422))])
def test_where_a_cursor_of_a_search_is_refused_the_dates_lead_on(afnor: Fed, status: int) -> None:
    afnor.pdp.configure(search_cap=6)
    afnor.deposited(1, 7)
    afnor.answers(status, a_cursor)
    afnor.paid(1)
    for rank in (11, 13, 15):
        afnor.advance(30)
        afnor.add(rank)
        afnor.world.deposit()

    afnor.polled(15)

    assert [afnor.world.submission(rank).lifecycle_code for rank in (1, 11)] == ["212", "205"]
    assert afnor.place.failing_since is None


# --- a feed that is refused, and its account --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 404, pytest.param(422, marks=pytest.mark.slow), 500, 503])
def test_deposits_go_on_while_a_feed_is_refused_from_its_beginning(superpdp: Fed, status: int) -> None:
    superpdp.add(1)
    superpdp.world.deposit()
    superpdp.answers(status, the_feed)
    superpdp.polled(8)

    superpdp.add(7, 9, 11)
    superpdp.world.deposit()

    assert [superpdp.world.submission(rank).state for rank in (7, 9, 11)] == ["submitted"] * 3
    assert (superpdp.account.paused, superpdp.account.recovery, superpdp.account.failures) == (None, None, 0)


@pytest.mark.parametrize("status", [400, 404, 500])
def test_deposits_go_on_while_a_search_by_dates_is_refused(afnor: Fed, status: int) -> None:
    afnor.add(1)
    afnor.world.deposit()
    afnor.answers(status, the_search_of_flows)
    afnor.polled(8)

    afnor.add(7, 9, 11)
    afnor.world.deposit()

    assert [afnor.world.submission(rank).state for rank in (7, 9, 11)] == ["submitted"] * 3
    assert (afnor.account.paused, afnor.account.recovery, afnor.account.failures) == (None, None, 0)


@pytest.mark.parametrize(("status", "cause"), [(404, "account_refused"), (503, "platform_down")])
def test_an_account_none_of_whose_reads_is_answered_waits(superpdp: Fed, status: int, cause: str) -> None:
    superpdp.deposited(1)
    superpdp.answers(status, lambda asked: "/v1.beta/" in asked.path)

    superpdp.polled(8)

    assert (superpdp.account.pause_reason, superpdp.account.recovery) == (cause, "read")


# --- a feed that gives way to histories -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", [404, 500, pytest.param(200, marks=pytest.mark.slow)]
)  # the last: no list, as anybody's page may be
def test_a_feed_that_fails_for_an_hour_gives_way_to_histories_and_takes_over_again(
    superpdp: Fed, status: int, capsys: pytest.CaptureFixture[str], operator: Operator
) -> None:
    superpdp.deposited(1, 7)
    superpdp.answers(status, the_feed)
    superpdp.polled(30, every=5)
    superpdp.paid(1)
    assert not heard("DepositsNotShown", result(superpdp.world, capsys))

    superpdp.polled(150, every=5)
    assert superpdp.world.submission(1).lifecycle_code == "212"
    assert heard("DepositsNotShown", result(superpdp.world, capsys))
    said = [trouble["what"] for trouble in operator.ask("status")["troubles"]]
    assert any("the feed has failed for an hour" in what for what in said)
    asked = len(superpdp.proxy.requests)
    superpdp.polled(60, every=5)
    assert 4 <= sum(map(the_feed, superpdp.proxy.requests[asked:])) <= 7

    superpdp.answers(status, lambda _asked: False)
    superpdp.polled(20, every=5)
    assert not heard("DepositsNotShown", result(superpdp.world, capsys))
    superpdp.paid(7)
    superpdp.polled(2)
    assert superpdp.world.submission(7).lifecycle_code == "212"


def test_histories_are_read_though_no_other_call_of_the_account_is_answered(superpdp: Fed) -> None:
    superpdp.deposited(1)
    superpdp.answers(503, lambda asked: "/v1.beta/" in asked.path and "invoice_id=" not in asked.path)
    superpdp.polled(10)
    superpdp.paid(1)

    superpdp.polled(55, every=5)
    superpdp.polled(40, every=4)

    assert superpdp.world.submission(1).lifecycle_code == "212"


def test_a_feed_that_nobody_reads_any_more_is_not_said_to_fail(
    superpdp: Fed, capsys: pytest.CaptureFixture[str]
) -> None:
    """An account that a person has paused: its feed failed before."""
    superpdp.deposited(1)
    superpdp.answers(500, the_feed)
    superpdp.polled(90, every=5)
    assert heard("DepositsNotShown", result(superpdp.world, capsys))

    superpdp.world.database.rows("update facteur.budgets set hold_until = 'infinity' where key = 'account:pdp'")
    superpdp.polled(70, every=10)

    assert not heard("DepositsNotShown", result(superpdp.world, capsys))


# --- what is said of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "everything", "name", "step"),
    [(500, False, "feed.unavailable", "ask the platform"), (404, False, "feed.refused", "ask the platform"),
     (404, True, "feed.refused", "facteur doctor"), (503, True, "feed.unavailable", "status page"),
     (429, True, "feed.unavailable", "later")],
)  # fmt: skip
def test_a_feed_that_fails_says_what_comes_next(
    superpdp: Fed, status: int, everything: bool, name: str, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    superpdp.add(1)
    superpdp.world.deposit()
    superpdp.answers(status, lambda asked: "/v1.beta/" in asked.path and (everything or the_feed(asked)))

    superpdp.polled(1)

    (said,) = lines(caplog, name)
    assert step in said.next_step


def test_events_of_invoices_that_nobody_knows_are_counted_and_logged_once(
    superpdp: Fed, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    superpdp.pdp.configure(events_strange=3)
    superpdp.deposited(1)
    counted = measured(capsys.readouterr().out)["ForeignStatuses"]
    said = lines(caplog, "feed.foreign")
    assert sum(counted) == sum(each.foreign for each in said) > 0
    caplog.clear()

    superpdp.polled(4)

    assert not lines(caplog, "feed.foreign")
    assert not {"label", "raw", "reason"} & set(vars(said[0]))


def test_a_lifecycle_message_that_names_another_seller_is_counted_and_logged_once(
    afnor: Fed, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    seller = sample_invoice(2).seller.siren.encode()

    def of_another(asked: Asked, said: Said) -> Said:
        body = said.body.replace(seller, b"999999999") if "docType=Original" in asked.path else said.body
        return Said(said.status, said.headers, body)

    afnor.proxy.after = of_another
    afnor.deposited(2)
    (said,) = lines(caplog, "feed.foreign")
    assert measured(capsys.readouterr().out)["ForeignStatuses"] == [float(said.foreign)]
    assert said.foreign > 0
    caplog.clear()

    afnor.polled(4)

    assert not lines(caplog, "feed.foreign")


# --- kinds of flows that a search refuses -------------------------------------------------------------------------------


def of_kinds(*kinds: str) -> Callable[[Asked], bool]:
    return lambda asked: the_search_of_flows(asked) and set(kinds) <= set(json.loads(asked.body)["where"]["flowType"])


@pytest.mark.parametrize(
    "status", [501, pytest.param(500, marks=pytest.mark.slow), pytest.param(403, marks=pytest.mark.slow)]
)
def test_a_refused_kind_of_flows_stops_no_other_and_is_read_once_it_is_taken(
    afnor: Fed, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    afnor.answers(status, of_kinds("CustomerInvoice"))

    afnor.deposited(2)
    afnor.polled(4)

    assert afnor.world.submission(2).lifecycle_code == "205"
    assert not codes(afnor, 2) & {"file:ok"}
    assert {f"(HTTP {status})" in each.cause for each in lines(caplog, "feed.passed_over")} == {True}
    afnor.answers(status, lambda _asked: False)
    afnor.polled(3)
    assert codes(afnor, 2) >= {"file:ok"}


def test_kinds_of_flows_that_are_taken_one_by_one_are_all_read(afnor: Fed, caplog: pytest.LogCaptureFixture) -> None:
    afnor.answers(400, of_kinds("CustomerInvoice", "CustomerInvoiceLC"))

    afnor.deposited(2)
    afnor.polled(3)

    assert afnor.world.submission(2).lifecycle_code == "205"
    assert codes(afnor, 2) >= {"file:ok"}
    assert not lines(caplog, "feed.passed_over")
    assert afnor.place.failing_since is None


def codes(fed: Fed, rank: int) -> set[str]:
    statement = "select code from facteur.status_events where submission_id = %(id)s"
    return {row.code for row in fed.world.database.rows(statement, {"id": fed.world.submission(rank).id})}
