"""What an adversary found: ways to a second deposit that no crash and no fault was needed for, or only a lost answer."""

from __future__ import annotations

from hashlib import sha256

from local.invoices import sample_invoice
from local.world.levers import NOW, World

SHOWN_TWICE = """
create or replace view facteur.invoice_source as
select i.id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, total, currency, technical_status, 'default' as account, submission_id, false as finished
from invoicing.invoices i cross join generate_series(1, 2)
"""
TWO_PARTS = 5_000_000  # bytes; a document in the row is read in parts of four megabytes
IN_THE_ROW = """
create sequence if not exists public.writes;
grant usage on sequence public.writes to facteur_worker; -- what a view calls, it calls with the rights of whoever reads it
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, total, currency, technical_status, 'default' as account, submission_id, false as finished,
       convert_to('%PDF-' || invoice_number || repeat({letter}, {size}), 'UTF8') as document
from invoicing.invoices
"""
ANOTHER_EACH_TIME = "chr(97 + (nextval('public.writes') % 26)::integer)"
STRANGERS = 1201  # one more than the search lets anybody read
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


def test_a_search_that_shows_only_a_part_is_no_empty_one(world: World) -> None:
    invoice = sample_invoice(1)
    world.simulator.configure(search_loose=True)
    world.simulator.script(invoice.number, ["lost_answer"])
    world.add(1)
    world.deposit()
    for place in range(STRANGERS):  # their numbers begin like ours; they are newer and so come first
        world.simulator.add_foreign_invoice(f"{invoice.number}{place}", seller=invoice.seller.siren)

    until_settled(world)

    assert len(world.simulator.calls("deposit")) == 1
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("in_doubt", "search_too_wide")
    assert world.submission(1).empty_lookups == 0


def test_a_document_in_the_row_that_is_replaced_while_it_is_read_is_not_sent_in_halves(world: World) -> None:
    world.database.rows(IN_THE_ROW.format(letter=ANOTHER_EACH_TIME, size=TWO_PARTS))
    world.add(1)

    world.deposit()
    assert (world.attempts(1), world.simulator.calls("deposit")) == ([], [])
    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "document_unavailable")

    world.database.rows(IN_THE_ROW.format(letter="'b'", size=TWO_PARTS))
    world.advance(60)
    world.deposit()
    whole = b"%PDF-" + sample_invoice(1).number.encode() + b"b" * TWO_PARTS
    assert [deposit["sha256"] for deposit in world.simulator.ledger()] == [sha256(whole).hexdigest()]
