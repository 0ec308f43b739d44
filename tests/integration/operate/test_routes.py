"""facteur accounts, limit and route, as a person at a terminal runs them."""

from __future__ import annotations

from typing import Any

import pytest

from local.measure.ground import add_invoices, work_off
from local.world.levers import World
from tests.operator import Operator
from tests.rows import Rows
from tests.two_accounts import SECOND, deposited_by

WHY = ("--why", "a new contract", "--who", "ada")
ROUTE = ("route", "default", "--to", "second", *WHY)
ROUTES = "select account, credentials, extract(epoch from since - facteur.now())::integer as after from facteur.routes order by id"
ACTS = "select operation, account, who, why, detail from facteur.operations order by id"


def today(rows: Rows, days: int = 0) -> str:
    return str(rows.value("select ((facteur.now() at time zone 'UTC')::date + %(days)s)::text", days=days))


def the(accounts: Any, name: str) -> Any:
    return next(each for each in accounts["accounts"] if each["account"] == name)


def test_accounts_show_what_each_deposits_with_and_what_is_open(rows: Rows, operator: Operator) -> None:
    first, second = rows.noted(), rows.noted()
    rows.reach(first, "submitted")
    rows.reach(second, "in_doubt")
    operator.run("limit", "default", "40", *WHY, "--yes")
    operator.run(*ROUTE, "--from", today(rows, 30), "--yes")

    answer, result = operator.ask("accounts"), operator.run("accounts")

    account = the(answer, "default")
    assert (account["credentials"], account["per_minute"], account["open"]) == (
        "default",
        40,
        {"submitted": 1, "in_doubt": 1},
    )
    assert [(each["credentials"], each["begun"]) for each in account["routes"]] == [("second", False)]
    assert [each["account"] for each in answer["accounts"]] == ["default", "second"]
    assert "→ second from" in result.out
    assert "1 in doubt, 1 submitted" in result.out


def test_a_route_says_what_moves_and_what_stays_and_is_recorded(rows: Rows, operator: Operator) -> None:
    rows.reach(rows.noted(), "submitted")
    rows.noted()

    result = operator.run(*ROUTE, "--from", today(rows), "--yes")

    assert result.code == 0, result.err
    assert "what is opened for account default is deposited with the secret of second" in result.out
    assert "Open with default now: 1 pending, 1 submitted. What is pending then moves, the rest stays" in result.out
    (act,) = rows.run(ACTS)
    assert (act.operation, act.account, act.who, act.why) == ("route", "default", "ada", "a new contract")
    assert (act.detail["to"], act.detail["before"]) == ("second", "default")


def test_a_route_of_today_is_the_way_of_the_next_deposit(two: World, operator: Operator) -> None:
    add_invoices(two, 1)
    work_off(two)
    day = two.database.row("select ((facteur.now() at time zone 'UTC')::date)::text as it").it
    assert operator.run(*ROUTE, "--from", day, "--yes").code == 0
    add_invoices(two, 1)

    work_off(two)

    assert deposited_by(two) == [two.simulator.client_id, SECOND["client_id"]]
    shown = operator.ask("accounts")
    assert (the(shown, "default")["credentials"], the(shown, "default")["routes"][0]["begun"]) == ("second", True)
    assert the(shown, "second")["pin"]["base_url"] == two.simulator.base_url


def test_a_route_is_taken_back_by_another_of_the_same_date(rows: Rows, operator: Operator) -> None:
    rows.noted()
    day = today(rows, 1)
    operator.run(*ROUTE, "--from", day, "--yes")

    result = operator.run("route", "default", "--to", "default", "--from", day, *WHY, "--yes")

    assert result.code == 0, result.err
    assert rows.value("select facteur.routed('default', facteur.now() + interval '9 days')") == "default"


def test_a_rehearsal_changes_nothing(rows: Rows, operator: Operator) -> None:
    rows.noted()

    result = operator.run(*ROUTE, "--from", today(rows), "--dry-run")
    operator.run("limit", "default", "40", *WHY, "--dry-run")

    assert "dry run, nothing was changed" in result.out
    assert (rows.run(ROUTES), rows.run(ACTS)) == ([], [])
    assert rows.value("select per_minute from facteur.budgets where key = 'account:default'") is None


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (("default", "--to", "second", "--from", "2001-01-01"), "more than a day ago"),
        (("default", "--to", "second", "--from", "tomorrow"), "is no date such as"),
        (("default", "--to", "second", "--from", "2999-01-01T00:00:00"), "is no date such as"),
        (("defualt", "--to", "second", "--from", "2999-01-01"), "There is no account defualt; there are: default"),
        (("default", "--to", "a/b", "--from", "2999-01-01"), "without a slash"),
        (("default", "--to", "default", "--from", "2999-01-01"), "deposited with default already"),
    ],
)
def test_a_route_that_means_nothing_is_refused(
    rows: Rows, operator: Operator, arguments: tuple[str, ...], result: str
) -> None:
    rows.noted()

    refused = operator.run("route", *arguments, *WHY, "--yes")

    assert (refused.code, rows.run(ROUTES)) == (2, [])
    assert result in refused.err


def test_who_is_routed_to_an_account_hears_that_he_does_not_follow_it(rows: Rows, operator: Operator) -> None:
    rows.noted()
    operator.run(*ROUTE, "--from", today(rows), "--yes")

    result = operator.run("route", "second", "--to", "third", "--from", today(rows, 1), *WHY, "--yes")

    assert "Routed to second stays: default. Routes do not follow each other." in " ".join(result.out.split())
    assert rows.value("select facteur.routed('default', facteur.now() + interval '9 days')") == "second"


def test_a_limit_is_set_and_taken_away_and_each_is_recorded(rows: Rows, operator: Operator) -> None:
    rows.noted()

    first = operator.run("limit", "default", "40", *WHY, "--yes")
    second = operator.run("limit", "default", "none", *WHY, "--yes")

    assert "Account default may make 40 calls a minute (before: no limit of its own)." in first.out
    assert "as many calls as REQUESTS_PER_MINUTE lets all make (before: 40)." in second.out
    assert [(act.operation, act.detail["per_minute"]) for act in rows.run(ACTS)] == [("limit", 40), ("limit", None)]
    assert the(operator.ask("accounts"), "default")["per_minute"] is None


@pytest.mark.parametrize("wrong", ["0", "0.5", "1e9", "nan", "many"])
def test_a_limit_that_is_none_is_refused(rows: Rows, operator: Operator, wrong: str) -> None:
    rows.noted()

    refused = operator.run("limit", "default", wrong, *WHY, "--yes")

    assert refused.code == 2
    assert "a minute" in refused.err
    assert rows.value("select per_minute from facteur.budgets where key = 'account:default'") is None


def test_doctor_looks_at_the_secret_of_a_route_before_its_day(two: World, operator: Operator) -> None:
    add_invoices(two, 1)
    work_off(two)
    day = two.database.row("select ((facteur.now() at time zone 'UTC')::date + 30)::text as it").it
    operator.run("route", "default", "--to", "not-there", "--from", day, *WHY, "--yes")

    result = operator.run("doctor")

    assert "could not be read (ResourceNotFoundException)" in result.out
