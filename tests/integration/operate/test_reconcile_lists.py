"""facteur reconcile where the platform has a list and no search: by id and key, and by number and seller where it shows them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from local.invoices import UNKNOWN_BUYER, render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.operator import Operator
from tests.platforms import secret_for

LATER_SECONDS = 700  # beyond the time that a list may take to show a deposit
DAY = "select (facteur.now() at time zone 'Europe/Paris')::date::text as day"
FORGET = "truncate facteur.submissions, facteur.attempts, facteur.status_events, facteur.changes"


@dataclass
class Listed:
    """A world whose only account deposits at a platform with a list."""

    world: World
    pdp: Simulator
    kind: str

    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)
        self.pdp.advance(seconds)

    def deposited(self, *ranks: int, content: bytes | None = None) -> str:
        """Deposit these, long enough ago to be shown; the day of Paris on which that was."""
        for rank in ranks:
            self.world.add(rank, content=content)
        self.world.deposit()
        found = str(self.world.database.row(DAY).day)
        self.advance(LATER_SECONDS)
        return found

    def followed(self) -> None:
        for _ in range(2):
            self.world.poll()
            self.advance(120)

    def forget(self, *ranks: int) -> None:
        """The schema was restored from before these were deposited, and their rows as well."""
        self.world.database.rows(FORGET)
        self.world.database.rows("alter table invoicing.invoices disable trigger user")
        for rank in ranks:
            self.world.update(rank, technical_status="pending", submission_id=None)


@pytest.fixture(scope="module")
def running_lists() -> Iterator[dict[str, Simulator]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(running_simulator(platform=kind)) for kind in ("superpdp", "afnor")}


def listed(world: World, running: dict[str, Simulator], kind: str, **switches: Any) -> Listed:
    pdp = running[kind]
    pdp.reset()
    pdp.configure(**switches)
    world.put_secret("default", secret_for(kind, pdp))
    return Listed(world, pdp, kind)


@pytest.fixture(params=["superpdp", "1.2", "1.3"])
def at(world: World, running_lists: dict[str, Simulator], request: pytest.FixtureRequest) -> Listed:
    """Each kind of list; those of the norm by their version."""
    kind = request.param
    if kind == "superpdp":
        return listed(world, running_lists, kind)
    return listed(world, running_lists, "afnor", afnor_version=kind)


@pytest.fixture
def superpdp(world: World, running_lists: dict[str, Simulator]) -> Listed:
    return listed(world, running_lists, "superpdp")


@pytest.fixture
def afnor(world: World, running_lists: dict[str, Simulator]) -> Listed:
    return listed(world, running_lists, "afnor")


def differences(operator: Operator, day: str) -> Any:
    return operator.ask("reconcile", "--day", day)["differences"]


def codes(operator: Operator, day: str) -> dict[str, int]:
    return dict(Counter(each["code"] for each in differences(operator, day)))


def only(operator: Operator, day: str) -> Any:
    (difference,) = differences(operator, day)
    return difference


def test_a_day_on_which_all_agree_is_well(at: Listed, operator: Operator) -> None:
    day = at.deposited(1, 7)
    at.followed()

    result = operator.run("reconcile", "--day", day)

    assert result.code == 0, result.out
    assert "2 deposits of ours, 2 shown by the platform" in result.out


def test_a_deposit_whose_answer_was_lost_is_adopted_by_the_command_of_the_report(
    at: Listed, operator: Operator
) -> None:
    at.pdp.script(sample_invoice(1).number, ["lost_answer"])
    day = at.deposited(1)

    difference = only(operator, day)
    adopted = operator.run(*shlex.split(difference["help"])[1:], "--yes")

    (kept,) = at.pdp.ledger()
    assert (difference["code"], difference["platform_id"]) == ("UNKNOWN_TO_US", kept["id"])
    assert adopted.code == 0, adopted.err
    assert at.world.submission(1).platform_id == kept["id"]


def test_what_a_restored_database_forgot_is_never_called_somebody_elses(at: Listed, operator: Operator) -> None:
    day = at.deposited(1, 7)
    at.forget(1, 7)

    found = differences(operator, day)

    assert {(each["code"], each["invoice_id"]) for each in found} == {
        ("UNKNOWN_TO_US", str(at.world.ids[rank])) for rank in (1, 7)
    }
    assert all("facteur adopt" in each["help"] for each in found)


def test_what_the_platform_does_not_show_is_reported(at: Listed, operator: Operator) -> None:
    day = at.deposited(1)
    at.pdp.configure(search_hides=f"number:{sample_invoice(1).number}")

    difference = only(operator, day)

    assert (difference["code"], difference["platform_id"]) == ("NOT_AT_PLATFORM", at.world.submission(1).platform_id)


def test_a_second_deposit_of_an_invoice_is_reported(at: Listed, operator: Operator) -> None:
    day = at.deposited(1)
    at.followed()
    number, again = sample_invoice(1).number, render(sample_invoice(1), "ubl").decode()
    second = at.pdp.upload(f"{number}.xml", again)

    found = [each for each in differences(operator, day) if each["platform_id"] == second]

    assert [each["code"] for each in found] == ["TWICE_AT_PLATFORM"]


def test_a_refusal_that_nobody_has_polled_is_reported(at: Listed, operator: Operator) -> None:
    """Of the norm's platforms that is what is wrong with the file."""
    if at.kind == "superpdp":
        day = at.deposited(1, content=render(sample_invoice(1, buyer=UNKNOWN_BUYER), "cii"))
    else:
        day = at.deposited(
            1, content=render(sample_invoice(1), "cii").replace(b"ExchangedDocumentContext>", b"Context>")
        )

    before = codes(operator, day)
    at.followed()

    assert (before, codes(operator, day)) == ({"REFUSED_AT_PLATFORM": 1}, {})
    assert at.world.submission(1).state == "rejected"


def test_others_deposits_are_counted_where_their_number_is_shown(superpdp: Listed, operator: Operator) -> None:
    day = superpdp.deposited(1)
    superpdp.followed()
    superpdp.pdp.add_foreign_invoice("X-1", age_seconds=LATER_SECONDS)
    superpdp.pdp.add_foreign_invoice("X-2", age_seconds=LATER_SECONDS, direction="INBOUND")

    assert codes(operator, day) == {"FOREIGN": 1}


def test_a_file_under_a_key_of_nobody_is_a_persons_to_compare(afnor: Listed, operator: Operator) -> None:
    """It may be one that a restored database forgot."""
    day = afnor.deposited(1)
    afnor.pdp.upload("whatever.xml", render(sample_invoice(7), "cii").decode())

    difference = only(operator, day)

    assert (difference["code"], difference["invoice_id"]) == ("UNKNOWN_TO_US", None)
    assert "(file whatever)" in difference["what"]
    assert "compare its document" in difference["help"]


@pytest.mark.parametrize(
    "switches",
    [
        {"search_cap": 1}, {"search_cap": 2, "list_order": "asc"}, {"search_cap": 2, "has_more": "never"},
        {"cursor": "inclusive", "search_cap": 2}, {"external_id_shown": "upper"}, {"list_omits": ["created_at"]},
        {"search_count": "zero", "search_cap": 3}, {"status_dates": ["createDate@text"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_list_that_is_shown_otherwise_hides_nothing(
    superpdp: Listed, operator: Operator, switches: dict[str, Any]
) -> None:
    superpdp.pdp.script(sample_invoice(2).number, ["lost_answer"])
    day = superpdp.deposited(1, 2, 3, 4, 5)
    superpdp.world.poll()
    superpdp.pdp.configure(**switches)

    assert codes(operator, day) == {"UNKNOWN_TO_US": 1}


@pytest.mark.parametrize(
    ("switches", "said"),
    [
        ({"cursor": "ignored", "search_cap": 2}, "shows a page of its list again"),
        ({"cursor": "refused", "search_cap": 2}, "HTTP 400"),
        ({"list_omits": ["id"]}, "shows deposits without their ids"),
    ],
)
def test_a_list_that_is_not_to_be_believed_is_not_compared(
    superpdp: Listed, operator: Operator, switches: dict[str, Any], said: str
) -> None:
    day = superpdp.deposited(1, 2, 3)
    superpdp.pdp.configure(**switches)

    found = [each for each in differences(operator, day) if each["code"] == "NOT_COMPARED"]

    assert len(found) == 1
    assert said in found[0]["what"]
    assert found[0]["help"]


def test_a_list_without_documents_calls_nothing_somebody_elses(superpdp: Listed, operator: Operator) -> None:
    day = superpdp.deposited(1)
    superpdp.forget(1)
    superpdp.pdp.configure(list_omits=["en_invoice"])

    difference = only(operator, day)

    assert (difference["code"], difference["invoice_id"]) == ("UNKNOWN_TO_US", None)
    assert "does not show its number" in difference["what"]


def test_a_day_long_ago_is_read_from_there_and_not_from_today(superpdp: Listed, operator: Operator) -> None:
    superpdp.pdp.configure(search_cap=5)
    day = superpdp.deposited(1, 2)
    superpdp.advance(2 * 86_400)  # later than that day by more than an hour, whenever this runs
    superpdp.deposited(3)
    superpdp.advance(86_400)
    superpdp.pdp.add_foreign_invoices([{"number": f"X-{n}"} for n in range(60)])
    superpdp.world.poll()

    assert codes(operator, day) == {}
    assert len(superpdp.pdp.calls("invoices")) <= 3


def test_a_list_that_goes_back_too_far_is_not_compared(superpdp: Listed, operator: Operator) -> None:
    day = superpdp.deposited(1)
    superpdp.pdp.configure(search_cap=1)
    superpdp.pdp.add_foreign_invoices([{"number": f"X-{n}"} for n in range(60)])

    difference = only(operator, day)

    assert difference["code"] == "NOT_COMPARED"
    assert "more deposits than the platform's list lets us read" in difference["what"]


def test_it_takes_a_permit_for_each_call(superpdp: Listed, operator: Operator) -> None:
    superpdp.pdp.configure(search_cap=1)
    day = superpdp.deposited(1, 2, 3)
    superpdp.world.database.rows("select facteur.pause('account:default', 3600, 'too_many_requests')")

    result = operator.run("reconcile", "--day", day)

    assert (result.code, superpdp.pdp.calls("invoices")) == (2, [])
    assert "no call left" in result.err
