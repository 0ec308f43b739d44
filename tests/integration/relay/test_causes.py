"""Causes that are nobody's invoice: they use up no invoice's time, fail none, are shown, and what waited goes on when they end."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from local.invoices import render, sample_invoice
from local.world.levers import World
from local.world.stack import create_bucket
from tests.failing_store import FailingStore
from tests.operator import Operator

DAY = 86_400
ROUNDS = 12  # of a third of a day each: longer than the three days after which an invoice is given up


def add(world: World, store: FailingStore, rank: int, bucket: str | None = None) -> None:
    """An invoice whose document lies in the bucket."""
    key = f"{rank}.xml"
    boto3.client("s3", endpoint_url=world.aws.endpoint_url).put_object(
        Bucket=store.bucket, Key=key, Body=render(sample_invoice(rank), "cii")
    )
    world.add(rank, uri=f"s3://{bucket or store.bucket}/{key}")


def waits(world: World) -> dict[str, int]:
    return {row.reason: row.count for row in world.database.rows("select reason, count from facteur.waiting")}


def days_later(world: World, rounds: int = ROUNDS) -> None:
    for _ in range(rounds):
        world.advance(DAY / 3)
        world.deposit()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("KMS.DisabledException", 400),
        ("NoSuchBucket", 404),
        pytest.param("SlowDown", 503, marks=pytest.mark.slow),  # AWS's client repeats it by itself
        *(
            pytest.param(code, status, marks=pytest.mark.slow)
            for code, status in [("ExpiredToken", 400), ("InvalidObjectState", 403), ("KMS.NotFoundException", 400)]
        ),
    ],
)
def test_a_store_that_refuses_fails_no_invoice_for_days_and_all_go_on_when_it_gives_one(
    world: World, store: FailingStore, operator: Operator, code: str, status: int
) -> None:
    store.refuse(code, status)
    for rank in (1, 2):
        add(world, store, rank)
    world.deposit()
    days_later(world)

    assert waits(world) == {"store_refused": 2}
    assert {world.submission(rank).waited.total_seconds() for rank in (1, 2)} == {0}
    said = operator.run("status")
    assert said.code == 1
    assert f"2 wait for documents: {code} (s3://{store.bucket})" in said.out

    store.give()
    world.advance(3600)
    world.deposit()
    world.deposit()  # the second was put off for longer, and is due once the first was read
    assert {world.submission(rank).state for rank in (1, 2)} == {"submitted"}
    assert waits(world) == {}


@pytest.mark.slow
def test_a_document_that_is_refused_among_good_ones_is_its_invoices_own(world: World, store: FailingStore) -> None:
    add(world, store, 1)
    store.refuse("AccessDenied", 403, key="1.xml")
    world.deposit()
    for rank in range(2, 2 + ROUNDS):
        add(world, store, rank)
        world.advance(DAY / 2)
        world.deposit()
        world.advance(3600)
        world.deposit()
        assert world.submission(rank).state == "submitted"
        if world.submission(1).state == "failed":
            break

    assert world.submission(1).waited.total_seconds() > 0


def test_a_single_key_that_is_not_there_fails_its_invoice_after_a_quarter_of_an_hour(
    world: World, store: FailingStore
) -> None:
    add(world, store, 1)
    store.refuse("NoSuchKey", 404, key="1.xml")
    world.deposit()
    world.advance(1000)
    world.deposit()

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("failed", "document_missing")
    assert world.database.rows("select * from facteur.stores") == []


def test_one_store_that_refuses_holds_back_no_other(world: World, store: FailingStore) -> None:
    other = create_bucket(world.aws, f"{world.prefix}-others")
    boto3.client("s3", endpoint_url=world.aws.endpoint_url).put_object(
        Bucket=other, Key="2.xml", Body=render(sample_invoice(2), "cii")
    )
    store.refuse("AccessDenied", 403, bucket=store.bucket)
    add(world, store, 1)
    add(world, store, 2, bucket=other)
    world.deposit()

    assert [world.submission(rank).state for rank in (1, 2)] == ["pending", "submitted"]
    assert waits(world) == {"store_refused": 1}


@pytest.mark.parametrize("fault", ["connections", "503"])
def test_a_platform_that_is_down_for_days_fails_no_invoice(world: World, fault: str) -> None:
    world.witness()
    world.add(1)
    if fault == "503":
        world.simulator.outage(1e9, "503", ["deposit", "search", "token"])
    else:
        world.simulator.refuse_connections()
    world.deposit()
    days_later(world, 30)

    assert world.submission(1).state in {"pending", "in_doubt"}
    assert world.submission(1).waited.total_seconds() == 0
    assert set(waits(world)) - {"silent"} == {"platform_down"}  # the witness has shown no status either

    world.simulator.outage(0)
    world.simulator.accept_connections()
    for _ in range(8):
        world.advance(3700)
        world.deposit()
    assert world.submission(1).state == "submitted"
    assert len(world.deposits(1)) == 1


@pytest.mark.parametrize("settings", [{"DEPOSITS_ENABLED": "false"}])
def test_while_deposits_are_off_nothing_is_used_up(world: World, settings: dict[str, Any]) -> None:
    world.add(1)
    world.deposit()
    days_later(world)

    assert (world.submission(1).state, world.submission(1).waited.total_seconds()) == ("pending", 0)
    assert waits(world) == {"deposits_off": 1}


def test_an_account_that_is_refused_or_paused_for_days_fails_no_invoice(world: World, operator: Operator) -> None:
    world.add(1)
    world.put_secret("default", {"client_id": "x"})
    world.new_container()
    world.deposit()
    assert waits(world) == {"account_refused": 1}
    days_later(world)
    operator.run("pause", "default", "--why", "holidays", "--yes")

    assert waits(world) == {"account_paused": 1}
    assert (world.submission(1).state, world.submission(1).waited.total_seconds()) == ("pending", 0)


# --- a row that raises, and a pause that ends ----------------------------------------------------------------------------------

RAISING = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, 1 / (total - 13) as total, currency, technical_status, 'default' as account, submission_id,
       false as finished
from invoicing.invoices
"""


@pytest.mark.parametrize("company", [0, 2])
def test_a_row_on_which_the_view_raises_ends_the_same_alone_and_in_company(world: World, company: int) -> None:
    for rank in range(1, 2 + company):
        world.add(rank)
    world.relay()
    world.database.rows(RAISING)
    world.database.rows("alter table invoicing.invoices disable trigger all")
    world.update(1, total=13)

    world.submit()

    assert (world.submission(1).state, world.submission(1).last_error_code) == ("pending", "row_unreadable")
    assert {world.submission(rank).state for rank in range(2, 2 + company)} <= {"submitted"}
    assert waits(world) == {"unreadable": 1}


def test_what_a_pause_put_off_is_due_when_a_person_resumes(world: World, operator: Operator) -> None:
    world.witness()
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1)
    world.deposit()
    world.simulator.outage(1e9, "403", ["search"])
    world.advance(60)
    world.deposit()
    assert world.submission(1).state == "in_doubt"
    later = "select due_at > facteur.now() as later from facteur.submissions where invoice_id = %(id)s"
    assert world.database.row(later, {"id": str(world.ids[1])}).later
    world.simulator.outage(0)

    operator.run("resume", "default", "--why", "the rights are back", "--yes")

    assert not world.database.row(later, {"id": str(world.ids[1])}).later
