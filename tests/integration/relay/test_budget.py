"""The budget: who comes first, who gets how much, and how a limit that was set too high heals."""

from __future__ import annotations

from collections import Counter

import pytest

from facteur.errors import DatabaseUnavailableError
from tests.rows import Rows

PERMITS = "select facteur.take_permits(%(account)s, %(wanted)s, %(per_minute)s, p_statuses => %(statuses)s)"
FACTOR = "select round(facteur.rate_factor(b)::numeric, 2)::float from facteur.budgets b where key = %(key)s"
MANY = """
insert into facteur.submissions (invoice_id, account, state, due_at, doubt_since, queued_at)
select %(account)s || %(state)s || n, %(account)s, %(state)s, facteur.now() - interval '1 hour' - n * interval '1 second',
       facteur.now(), case when %(queued)s then facteur.now() end
from generate_series(1, %(count)s) n
"""
GONE = "delete from facteur.submissions where id = any (%(ids)s::bigint[]) returning state"
SPENT = """
update facteur.budgets b set tokens = facteur.available(b, %(per_minute)s) - %(permits)s, refilled_at = facteur.now()
where key in ('address', 'account:a')
"""


@pytest.fixture
def budget(rows: Rows) -> Rows:
    rows.run("insert into facteur.budgets (key) values ('account:a'), ('account:b')")
    return rows


def many(rows: Rows, count: int, state: str = "pending", account: str = "a", queued: bool = False) -> None:
    rows.run(MANY, account=account, state=state, count=count, queued=queued)


def permits(rows: Rows, wanted: int, per_minute: float = 60, account: str = "a", statuses: bool = False) -> int:
    return int(rows.value(PERMITS, account=account, wanted=wanted, per_minute=per_minute, statuses=statuses))


def factor(rows: Rows, key: str = "address") -> float:
    return float(rows.value(FACTOR, key=key))


def slow(rows: Rows, key: str = "account:a") -> None:
    rows.run("select facteur.pause(%(key)s, 1, 'too_many_requests')", key=key)


def test_refusals_for_haste_lower_the_rate_and_quiet_raises_it_again(budget: Rows) -> None:
    slow(budget)
    assert factor(budget) == pytest.approx(0.7)

    slow(budget)  # of the same moment
    assert factor(budget) == pytest.approx(0.7, abs=0.01)

    budget.advance(11)
    slow(budget)
    assert factor(budget) == pytest.approx(0.5, abs=0.02)

    budget.advance(60)
    assert factor(budget) == pytest.approx(0.6, abs=0.02)

    budget.advance(300)
    assert factor(budget) == 1


def test_the_rate_never_falls_below_a_tenth(budget: Rows) -> None:
    for _ in range(30):
        slow(budget)
        budget.advance(11)

    assert 0.1 <= factor(budget) < 0.13


def test_what_is_spent_keeps_to_the_lowered_rate(budget: Rows) -> None:
    budget.run("update facteur.budgets set rate_factor = 0.1, slowed_at = facteur.now() where key = 'address'")
    permits(budget, 1000, per_minute=600)

    budget.advance(10)

    assert permits(budget, 1000, per_minute=600) == 11  # a hundred at the full rate


def test_an_endpoints_own_refusals_slow_down_the_endpoint_alone(budget: Rows) -> None:
    slow(budget, "history")

    assert (factor(budget, "history"), factor(budget)) == (0.7, 1)


def test_a_pause_for_another_reason_lowers_nothing(budget: Rows) -> None:
    budget.run("select facteur.pause('account:a', 300, 'token_refused')")

    assert factor(budget) == 1


@pytest.mark.parametrize(("per_minute", "doubts", "look_ups"), [(60, 2, 1), (600, 50, 16), (60, 1, 1)])
def test_doubts_are_queued_first_and_get_half_of_the_permits_while_deposits_wait(
    budget: Rows, per_minute: float, doubts: int, look_ups: int
) -> None:
    many(budget, 200, "pending")
    many(budget, doubts, "in_doubt")
    budget.run("update facteur.submissions set due_at = facteur.now() where state = 'in_doubt'")  # the youngest

    with budget.store(per_minute=per_minute).pick_due(500) as due:
        states = [
            budget.value("select state from facteur.submissions where id = %(id)s", id=i) for i in due.submission_ids
        ]

    permits = max(10, per_minute / 6)
    assert states == ["in_doubt"] * look_ups + ["pending"] * int(permits - 3 * look_ups)


@pytest.mark.parametrize(("per_minute", "minutes"), [(180, 5), pytest.param(4, 120, marks=pytest.mark.slow)])
def test_look_ups_get_half_of_the_permits_as_well_where_each_is_spent_as_it_comes(
    budget: Rows, per_minute: float, minutes: int
) -> None:
    """A relay that watches finds one permit or two: a look-up may begin with one, and took all of them for as long as doubts were due."""
    many(budget, 1000, "pending")
    many(budget, 400, "in_doubt")
    budget.run("select setseed(0.5)")
    spent = Counter[str]()

    for _ in range(minutes * 60 if per_minute > 60 else minutes * 10):
        with budget.store(per_minute=per_minute).pick_due(500) as due:
            due.mark_queued(due.submission_ids)
        for row in budget.run(GONE, ids=list(due.submission_ids)):
            spent[row.state] += 3 if row.state == "in_doubt" else 1
            budget.run(SPENT, per_minute=per_minute, permits=3 if row.state == "in_doubt" else 1)
        budget.advance(1 if per_minute > 60 else 6)

    assert spent.total() == pytest.approx(per_minute * minutes, rel=0.1)
    assert spent["in_doubt"] == pytest.approx(spent["pending"], rel=0.25)


def test_look_ups_alone_get_all_permits(budget: Rows) -> None:
    many(budget, 50, "in_doubt")

    with budget.store(per_minute=600).pick_due(500) as due:
        assert len(due.submission_ids) == 34  # three permits each, and the last one owes two


def test_statuses_take_what_is_there_while_nothing_else_waits(budget: Rows) -> None:
    assert [permits(budget, 1, statuses=True) for _ in range(12)] == [1] * 10 + [0] * 2


@pytest.mark.slow
def test_statuses_get_their_tenth_and_no_more_while_deposits_take_everything(budget: Rows) -> None:
    many(budget, 1, queued=True)
    taken = Counter[str]()
    for _ in range(600):
        taken["deposits"] += permits(budget, 1000, per_minute=600)
        taken["statuses"] += permits(budget, 1000, per_minute=600, statuses=True)
        budget.advance(1)
        budget.run("update facteur.submissions set queued_at = facteur.now()")

    assert taken.total() == pytest.approx(600 * 10 + 100, rel=0.02)
    assert taken["statuses"] == pytest.approx(600, rel=0.03)


@pytest.mark.slow
def test_accounts_share_the_address_evenly(budget: Rows) -> None:
    many(budget, 2000, account="a")
    many(budget, 2000, account="b")
    queued = Counter[str]()
    for _ in range(200):
        with budget.store(per_minute=60).pick_due(500) as due:
            due.mark_queued(due.submission_ids)
        for row in budget.run("select id, account from facteur.submissions where queued_at is not null"):
            queued[row.account] += permits(budget, 1, account=row.account)
            budget.run("delete from facteur.submissions where id = %(id)s", id=row.id)
        budget.advance(5)

    assert queued.total() == pytest.approx(1000, rel=0.05)
    assert min(queued.values()) > 400


def limit(rows: Rows, per_minute: float | None, account: str = "a") -> None:
    rows.run(
        "update facteur.budgets set per_minute = %(n)s where key = 'account:' || %(account)s",
        n=per_minute,
        account=account,
    )


@pytest.mark.slow
def test_an_accounts_own_limit_holds_for_it_alone(budget: Rows) -> None:
    limit(budget, 30)
    taken = Counter[str]()
    now = "select extract(epoch from facteur.now())"
    began = budget.value(now)
    for _ in range(600):
        for account in "ab":
            taken[account] += permits(budget, 5, per_minute=600, account=account)
        budget.advance(1)

    seconds = float(budget.value(now) - began)  # on a busy machine more than were advanced
    assert taken["a"] == pytest.approx(seconds * 30 / 60, abs=10)
    assert taken["b"] == 600 * 5


@pytest.mark.parametrize(("own", "rate"), [(30, 30), (6000, 600), (None, 600)])
def test_the_lower_of_both_limits_counts(budget: Rows, own: float | None, rate: float) -> None:
    limit(budget, own)
    permits(budget, 10_000, per_minute=600)

    budget.advance(20)

    assert permits(budget, 10_000, per_minute=600) == min(rate / 3, max(10, rate / 6))


def test_an_account_with_a_limit_is_queued_no_more_than_it_may_send(budget: Rows) -> None:
    limit(budget, 4)
    many(budget, 100, account="a")
    many(budget, 100, account="b")

    with budget.store(per_minute=6000).pick_due(500) as due:
        due.mark_queued(due.submission_ids)

    queued = budget.run("select account, count(*) as n from facteur.submissions where queued_at is not null group by 1")
    assert {row.account: row.n for row in queued} == {"a": 4, "b": 100}


def test_a_limit_of_one_a_minute_still_moves_deposits_and_doubts(budget: Rows) -> None:
    limit(budget, 1)
    many(budget, 3, "in_doubt")

    for _ in range(10):
        with budget.store(per_minute=6000).pick_due(500) as due:
            if due.submission_ids:
                permits(budget, 3, per_minute=6000)
                budget.run(
                    "update facteur.budgets set tokens = tokens - 2 where key = 'account:a'"
                )  # as a claim owes them
                budget.run(
                    "delete from facteur.submissions where id = any (%(ids)s::bigint[])", ids=list(due.submission_ids)
                )
        budget.advance(60)

    assert budget.value("select count(*) from facteur.submissions") == 0


@pytest.mark.parametrize("wrong", [0, -1, 0.5, 1e7])
def test_a_limit_that_would_stop_an_account_or_means_nothing_is_refused(budget: Rows, wrong: float) -> None:
    with pytest.raises(DatabaseUnavailableError, match="23514"):
        limit(budget, wrong)
