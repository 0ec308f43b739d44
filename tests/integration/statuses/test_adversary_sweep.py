"""What an adversary found about sweeps: pages shorter than asked for, and numbers that a machine has rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from local.simulator.core.control import Simulator
from local.world.crowd import crowd, known
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering

CODES = "select count(*) filter (where lifecycle_code in ('210', '213') or state = 'rejected') as refused from facteur.submissions"

SENT_BY_ANOTHER = """
insert into facteur.attempts (invoice_id, account, lease_token, outcome, document_sha256, invoice_number)
values ('another', 'default', gen_random_uuid(), 'unknown', 'x', 'F-2026-0')
"""


@pytest.fixture
def proxy(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as opened:
        yield opened


@pytest.fixture
def settings(proxy: AlteringProxy) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": proxy.url, "STATUS_SOURCE": "sweep"}


@pytest.mark.parametrize("dates", [True, False])
def test_verdicts_on_pages_that_a_platform_cuts_short_are_seen_within_an_hour(world: World, dates: bool) -> None:
    world.simulator.configure(search_dates=dates)
    opened = crowd(world, 90)
    known(world)
    world.simulator.configure(search_cap=20)
    for platform_id in opened.ids:
        world.simulator.add_status(platform_id, "REJECTED", reason="OTHER")

    for _ in range(12):
        world.advance(300)
        world.poll()

    assert world.database.row(CODES).refused == 90


@pytest.mark.parametrize("shown", ["F2026000000", "F-2026-0", "f 2026/000000"])
def test_a_number_that_a_machine_has_rewritten_is_no_other_invoices(
    world: World, proxy: AlteringProxy, shown: str
) -> None:
    def rewritten(asked: Asked, said: Said) -> Said:
        if "/search" not in asked.path or said.status != 200:
            return said
        return Said(said.status, said.headers, said.body.replace(b"F-2026-000000", shown.encode()))

    crowd(world, 1)
    proxy.after = rewritten

    world.poll()

    row = world.database.row("select objection_code, number_seen from facteur.submissions")
    assert (row.objection_code, row.number_seen) == (None, shown)


def test_a_number_that_differs_only_in_its_spelling_stops_where_another_row_sent_it(
    world: World, proxy: AlteringProxy
) -> None:
    opened = crowd(world, 1)
    world.database.rows(SENT_BY_ANOTHER)
    proxy.after = lambda _asked, said: Said(said.status, said.headers, said.body.replace(b"F-2026-000000", b"F-2026-0"))

    world.poll()

    row = world.database.row("select platform_id, objection_code from facteur.submissions")
    assert (row.platform_id, row.objection_code) == (opened.ids[0], "shown_as_another")


def test_a_breaker_closes_at_an_answer_that_shows_none_of_ours(world: World) -> None:
    """A half-open breaker admits one call, and its page may hold nothing but a stranger's deposit."""
    crowd(world, 2)
    world.simulator.add_foreign_invoice("F-STRANGER", age_seconds=3620.5)
    world.simulator.configure(search_cap=1, search_order="oldest")
    world.database.rows("update facteur.budgets set probing = true, failures = 5 where key = 'account:default'")

    world.poll()
    shown = world.database.row("select count(swept_id) as shown from facteur.submissions").shown
    world.advance(120)
    world.poll()

    assert shown == 0
    assert world.database.row("select probing from facteur.budgets where key = 'account:default'").probing is False
    assert world.database.row("select count(swept_id) as shown from facteur.submissions").shown == 2


def test_what_was_shown_before_a_page_that_fails_is_kept(world: World, proxy: AlteringProxy) -> None:
    opened = crowd(world, 30)
    world.simulator.configure(search_cap=10, search_order="oldest")
    dice = Random(7)  # noqa: S311

    def after(asked: Asked, said: Said) -> Said:
        return Said(503, {}, b"") if "/search" in asked.path and dice.random() < 0.5 else said

    proxy.after = after
    for _ in range(20):
        world.poll()
        world.advance(120)

    assert world.database.row("select count(swept_id) as shown from facteur.submissions").shown == len(opened.ids)
