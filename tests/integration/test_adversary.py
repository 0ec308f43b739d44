"""What an adversary found: ways to a second deposit that no crash and no fault was needed for, or only a lost answer."""

from __future__ import annotations

from local.invoices import sample_invoice
from tests.world import NOW, World

SHOWN_TWICE = """
create or replace view facteur.invoice_source as
select i.id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, total, currency, technical_status, 'default' as account
from invoicing.invoices i cross join generate_series(1, 2)
"""
LONG_ENOUGH = 14  # rounds of 160 seconds: a doubt is settled after 600


def until_settled(world: World) -> None:
    for _ in range(LONG_ENOUGH):
        world.deposit()
        world.advance(160)


def test_an_invoice_that_the_view_shows_twice_goes_to_a_person_and_not_to_the_platform(world: World) -> None:
    world.database.rows(SHOWN_TWICE)
    world.add(1)

    world.deposit()

    assert world.simulator.calls("deposit") == []
    assert (world.row(1).technical_status, world.submission(1).last_error_code) == ("error", "shown_twice")


def test_the_same_bytes_are_found_although_the_rows_seller_is_not_the_documents(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1, siren="552100554")

    until_settled(world)

    assert len(world.deposits(1)) == 1
    assert world.row(1).submission_id == world.deposits(1)[0]["id"]


def test_the_same_bytes_are_found_although_the_platforms_clock_is_far_behind(world: World) -> None:
    world.shift = 360
    world.database.rows(NOW.format(world.shift))
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1)

    until_settled(world)

    assert len(world.deposits(1)) == 1
    assert world.row(1).submission_id == world.deposits(1)[0]["id"]
