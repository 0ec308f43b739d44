"""facteur reconcile: each difference is produced for real, against the simulator."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.invoices import UNKNOWN_BUYER, render, sample_invoice
from local.world.levers import World, platform_secret
from tests.operator import Operator
from tests.two_accounts import SECOND

LATER_SECONDS = 700  # beyond the time that search may take to show a deposit


def deposited(world: World, *ranks: int, **columns: Any) -> str:
    """Deposit these, long enough ago for search to show them; the day of Paris on which that was."""
    for rank in ranks:
        world.add(rank, **columns)
    world.deposit()
    day = "select (facteur.now() at time zone 'Europe/Paris')::date::text as day"
    found = str(world.database.row(day).day)
    world.advance(LATER_SECONDS)
    return found


def followed(world: World) -> None:
    """Let the polls catch up with what the platform shows."""
    for _ in range(3):
        world.poll()
        world.advance(120)


def codes(operator: Operator, day: str, *more: str) -> dict[str, int]:
    return dict(Counter(each["code"] for each in operator.ask("reconcile", "--day", day, *more)["differences"]))


def only(operator: Operator, day: str) -> Any:
    (difference,) = operator.ask("reconcile", "--day", day)["differences"]
    return difference


def test_a_day_on_which_all_agree_is_well(world: World, operator: Operator) -> None:
    day = deposited(world, 1, 7)
    followed(world)

    result = operator.run("reconcile", "--day", day)

    assert result.code == 0, result.out
    assert "2 deposits of ours, 2 shown by the platform" in result.out
    assert "the three books agree" in result.out


def test_before_the_first_deposit_the_platform_is_asked_all_the_same(world: World, operator: Operator) -> None:
    world.simulator.add_foreign_invoice("X-1", age_seconds=LATER_SECONDS)
    day = world.database.row(
        "select ((now() - interval '12 minutes') at time zone 'Europe/Paris')::date::text as day"
    ).day

    assert codes(operator, day) == {"FOREIGN": 1}


def test_a_day_is_a_day_of_paris(world: World, operator: Operator) -> None:
    row = "select (%(day)s::date::timestamp at time zone 'Europe/Paris')::text as begin"

    assert world.database.row(row, {"day": "2026-07-01"}).begin.startswith("2026-06-30 22:00")
    assert operator.run("reconcile", "--day", "2026-02-30").code == 2


def test_what_the_platform_does_not_show_is_reported(world: World, operator: Operator) -> None:
    day = deposited(world, 1)
    shift = world.shift
    world.simulator.reset()
    world.simulator.advance(shift)

    difference = only(operator, day)

    assert difference["code"] == "NOT_AT_PLATFORM"
    assert difference["platform_id"] == world.submission(1).platform_id


def test_a_deposit_of_a_moment_ago_need_not_be_shown_yet(world: World, operator: Operator) -> None:
    world.simulator.configure(search_lag=600)
    world.add(1)
    world.deposit()

    today = world.database.row("select (facteur.now() at time zone 'Europe/Paris')::date::text as day").day

    assert codes(operator, today) == {}


def test_a_deposit_whose_answer_was_lost_is_to_be_adopted(world: World, operator: Operator) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    day = deposited(world, 1)

    difference = only(operator, day)

    (stored,) = world.deposits(1)
    assert difference["code"] == "UNKNOWN_TO_US"
    assert difference["help"] == f'facteur adopt id:{world.ids[1]} {stored["id"]} --why "…"'


def test_after_a_restore_the_deposits_that_our_tables_forgot_are_found_by_their_rows(
    world: World, operator: Operator
) -> None:
    day = deposited(world, 1, issue_date="2026-10-01")
    world.database.rows("truncate facteur.submissions, facteur.attempts, facteur.status_events, facteur.changes")
    world.database.rows("alter table invoicing.invoices disable trigger user")
    world.update(1, technical_status="pending", submission_id=None)

    difference = only(operator, day)
    on_its_issue_date = codes(operator, "2026-10-01")

    assert (difference["code"], difference["invoice_id"]) == ("UNKNOWN_TO_US", str(world.ids[1]))
    assert "facteur adopt" in difference["help"]
    assert on_its_issue_date == {"NOT_SUBMITTED": 1}


def test_others_deposits_are_reported_and_need_nobody(world: World, operator: Operator) -> None:
    day = deposited(world, 1)
    followed(world)
    world.simulator.add_foreign_invoice("X-1", age_seconds=LATER_SECONDS)
    world.simulator.add_foreign_invoice("X-2", age_seconds=LATER_SECONDS, direction="INBOUND")

    result = operator.run("reconcile", "--day", day)

    assert result.code == 0
    assert "1 FOREIGN" in result.out


def test_a_second_deposit_under_a_number_is_reported(world: World, operator: Operator) -> None:
    day = deposited(world, 1)
    followed(world)
    invoice = sample_invoice(1)
    second = world.simulator.add_foreign_invoice(
        invoice.number, seller=invoice.seller.siren, total=str(invoice.total), age_seconds=LATER_SECONDS
    )

    difference = only(operator, day)

    assert (difference["code"], difference["platform_id"]) == ("TWICE_AT_PLATFORM", second)
    assert difference["help"] is not None


def test_a_refusal_that_nobody_has_polled_is_reported(world: World, operator: Operator) -> None:
    content = render(sample_invoice(1, buyer=UNKNOWN_BUYER), "cii")
    day = deposited(world, 1, content=content)

    before = only(operator, day)["code"]
    followed(world)

    assert before == "REFUSED_AT_PLATFORM"
    assert codes(operator, day) == {}


def test_a_status_that_nobody_has_polled_is_reported(world: World, operator: Operator) -> None:
    day = deposited(world, 1)

    difference = only(operator, day)

    assert difference["code"] == "STATUS_DIFFERS"
    assert "the platform shows 203, here it is not known yet" in difference["what"]


def test_an_amount_that_is_not_the_documents_is_reported(world: World, operator: Operator) -> None:
    day = deposited(world, 1, total="1.00")
    followed(world)

    assert only(operator, day)["code"] == "AMOUNT_DIFFERS"


def test_a_row_that_says_otherwise_is_reported_on_the_day_of_its_deposit_and_of_its_issue(
    world: World, operator: Operator
) -> None:
    day = deposited(world, 1, issue_date="2026-10-02")
    followed(world)
    world.database.rows("alter table invoicing.invoices disable trigger user")
    world.update(1, technical_status="pending")

    found = [only(operator, each) for each in (day, "2026-10-02")]

    assert [each["code"] for each in found] == ["ROW_SAYS_OTHERWISE"] * 2
    assert "the row says pending, and it is validated here" in found[0]["what"]


def test_a_row_that_is_gone_is_reported(world: World, operator: Operator) -> None:
    day = deposited(world, 1)
    followed(world)
    world.database.rows("delete from invoicing.invoices")

    assert only(operator, day)["code"] == "ROW_GONE"


def test_a_ready_row_without_a_submission_is_reported_and_whether_the_relay_knows(
    world: World, operator: Operator
) -> None:
    world.add(1, issue_date="2026-10-03")
    noted = only(operator, "2026-10-03")
    world.database.rows("delete from facteur.changes")

    forgotten = only(operator, "2026-10-03")

    assert (noted["code"], noted["help"]) == ("NOT_SUBMITTED", None)
    assert "note_forgotten" in forgotten["help"]


def test_a_row_that_is_not_ready_and_was_never_submitted_is_counted(world: World, operator: Operator) -> None:
    world.add(1, uri=None)
    world.relay()
    day = str(world.database.row("select issue_date from invoicing.invoices").issue_date)

    result = operator.run("reconcile", "--day", day)

    assert codes(operator, day) == {"NOT_READY": 1}
    assert result.code == 0
    assert "NOT_READY: issued on that day, never submitted, and not ready" in result.out


def test_an_account_that_may_not_search_by_date_is_compared_by_number_and_that_is_said(
    world: World, operator: Operator
) -> None:
    world.simulator.configure(search_dates=False)
    day = deposited(world, 1, 7)
    world.add(8, issue_date=day)
    world.simulator.add_foreign_invoice(sample_invoice(8).number, seller=sample_invoice(8).seller.siren)
    world.simulator.add_foreign_invoice("X-1")

    found = codes(operator, day)

    assert found == {"STATUS_DIFFERS": 2, "NOT_SUBMITTED": 1, "UNKNOWN_TO_US": 1, "NOT_COMPARED": 1}


@pytest.mark.parametrize("switch", [{"search_fields": "bare"}, {"search_states": False}])
def test_an_account_that_may_not_search_in_every_way_is_compared_all_the_same(
    world: World, operator: Operator, switch: dict[str, Any]
) -> None:
    world.simulator.configure(**switch)
    day = deposited(world, 1, 7)

    assert codes(operator, day) == {"STATUS_DIFFERS": 2}


@pytest.mark.slow
def test_a_day_with_more_deposits_than_search_pages_through_is_read_in_portions(
    world: World, operator: Operator
) -> None:
    day = deposited(world, 1)
    hour = world.database.row(
        "select extract(hour from facteur.now() at time zone 'Europe/Paris')::integer as hour"
    ).hour
    apart = 20 if hour else -20  # seconds, and all on the same day, also right after midnight
    crowd = [{"number": f"X-{n}", "age_seconds": LATER_SECONDS + apart * (n % 30)} for n in range(2500)]
    world.simulator.add_foreign_invoices(crowd)

    found = operator.ask("reconcile", "--day", day)

    kinds = Counter(each["code"] for each in found["differences"])
    assert kinds == {"FOREIGN": 2500, "STATUS_DIFFERS": 1}
    assert len({each["platform_id"] for each in found["differences"]}) == 2501


def test_one_account_that_cannot_be_asked_does_not_hide_the_other(two: World, operator: Operator) -> None:
    two.database.rows("insert into facteur.budgets (key) values ('account:second'), ('account:default')")
    two.simulator.add_foreign_invoice("X-1", account=SECOND["client_id"])
    two.put_secret("default", platform_secret(two.simulator) | {"client_secret": "wrong"})
    day = two.database.row("select ((now() - interval '1 minute') at time zone 'Europe/Paris')::date::text as day").day

    found = operator.ask("reconcile", "--day", day)["differences"]

    assert [(each["account"], each["code"]) for each in found] == [("default", "NOT_COMPARED"), ("second", "FOREIGN")]
    assert codes(operator, day, "--account", "second") == {"FOREIGN": 1}
    assert operator.run("reconcile", "--day", day, "--account", "third").code == 2


def test_a_paused_account_is_compared_unless_the_platform_asked_for_the_pause(world: World, operator: Operator) -> None:
    day = deposited(world, 1)
    followed(world)
    world.database.rows("select facteur.pause('account:default', 3600, 'restored')")
    paused = operator.run("reconcile", "--day", day)
    world.database.rows("select facteur.pause('account:default', 3600, 'too_many_requests')")

    slowed = operator.run("reconcile", "--day", day)

    assert paused.code == 0
    assert slowed.code == 2
    assert "no call left" in slowed.err


def test_it_changes_nothing(world: World, operator: Operator) -> None:
    day = deposited(world, 1, 7)
    tables = ("submissions", "attempts", "status_events", "changes")
    before = [world.database.rows(f"select * from facteur.{table} order by 1") for table in tables]

    operator.run("reconcile", "--day", day)

    assert [world.database.rows(f"select * from facteur.{table} order by 1") for table in tables] == before
    assert len(world.simulator.calls("deposit")) == 2


def test_the_differences_are_written_as_csv_without_formulas(world: World, operator: Operator, tmp_path: Path) -> None:
    day = deposited(world, 1)
    followed(world)
    world.simulator.add_foreign_invoice("=cmd()", age_seconds=LATER_SECONDS)
    file = tmp_path / "differences.csv"

    result = operator.run("reconcile", "--day", day, "--csv", str(file))

    with file.open(encoding="utf-8-sig", newline="") as opened:
        lines = list(csv.DictReader(opened))
    assert result.code == 0
    assert [(line["code"], line["invoice_number"]) for line in lines] == [("FOREIGN", "'=cmd()")]


def test_a_file_that_cannot_be_written_is_a_sentence(world: World, operator: Operator, tmp_path: Path) -> None:
    day = deposited(world, 1)

    result = operator.run("reconcile", "--day", day, "--csv", str(tmp_path / "none" / "x.csv"))

    assert result.code == 2
    assert "could not be written" in result.err


@pytest.mark.parametrize(
    "cursor", ["", "{}", "[1]", '{"account": "other", "since": "2026-10-01T00:00:00+00:00", "seconds": 1}']
)
def test_a_cursor_of_somebody_elses_making_is_refused(world: World, operator: Operator, cursor: str) -> None:
    day = deposited(world, 1)

    answer = operator.request({"operation": "reconcile", "arguments": {"day": day, "cursor": cursor}})

    assert "not one that this report gave" in answer["error"]["message"]
