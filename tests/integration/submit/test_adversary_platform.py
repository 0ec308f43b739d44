"""What an adversary found about the platform: ids that go to another row, caches, numbers and sellers spelled by machines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from local.invoices import render, sample_invoice
from local.simulator.core.control import Simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering, in_json

NUMBER = sample_invoice(1).number
ROUNDS = 14  # of 160 seconds: a doubt is settled after 600
REFUSED_QUERY = Said(400, {}, b'{"statusMessage":"Unable to parse"}')


@pytest.fixture
def proxy(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as opened:
        yield opened


@pytest.fixture
def settings(proxy: AlteringProxy) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": proxy.url, "STATUS_SOURCE": "history"}


@pytest.fixture
def witnessed(world: World) -> World:
    """A world whose account has a deposit that its search shows."""
    world.witness()
    return world


def until_settled(world: World, rounds: int = ROUNDS) -> None:
    for _ in range(rounds):
        world.deposit()
        world.advance(160)


def lost(world: World, number: str | None = None, fault: str = "lost_answer") -> None:
    """The first invoice, its deposit's answer lost."""
    invoice = sample_invoice(1)
    invoice = replace(invoice, number=number or invoice.number)
    world.simulator.script(invoice.number, [fault])
    world.add(1, number=invoice.number, content=render(invoice, "cii"))
    world.deposit()
    assert world.submission(1).state == "in_doubt"


def in_search(proxy: AlteringProxy, change: Callable[[dict[str, Any]], object]) -> None:
    """From now on each entry of a search is changed in place."""

    def after(asked: Asked, said: Said) -> Said:
        if said.status != 200 or "/search" not in asked.path:
            return said

        def changed(body: Any) -> Any:
            for entry in body["data"]:
                change(entry)
            return body

        return in_json(changed, said)

    proxy.after = after


# --- ids that go to another row ---------------------------------------------------------------------------------------


def test_a_deposit_whose_id_was_given_to_another_row_is_not_sent_again(witnessed: World, proxy: AlteringProxy) -> None:
    lost(witnessed)
    first = witnessed.deposits(1)[0]["id"]
    proxy.after = lambda asked, said: (
        Said(201, said.headers, json.dumps({"id": first}).encode()) if asked.is_deposit else said
    )
    witnessed.add(2)

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1
    assert [witnessed.row(rank).technical_status for rank in (1, 2)] == ["error", "error"]
    assert witnessed.submission(1).last_error_code == witnessed.submission(2).objection_code == "shown_as_another"
    assert first in witnessed.submission(1).last_error_message
    assert witnessed.row(2).submission_id == first  # until a person has compared them


def test_a_corrected_invoice_that_gets_its_refused_deposits_id_is_not_sent_again(
    witnessed: World, proxy: AlteringProxy
) -> None:
    witnessed.add(1)
    witnessed.deposit()
    (refused,) = witnessed.deposits(1)
    witnessed.simulator.add_status(refused["id"], "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    witnessed.advance(120)
    witnessed.poll()
    assert witnessed.submission(1).state == "rejected"
    corrected: list[str] = []

    def after(asked: Asked, said: Said) -> Said:  # the platform replaces what it refused
        if asked.is_deposit:
            corrected.append(said.json()["id"])
            return Said(201, said.headers, json.dumps({"id": refused["id"]}).encode())
        if corrected and "/search" in asked.path and said.status == 200:
            shown = [each for each in said.json()["data"] if each["metadata"]["invoiceId"] != refused["id"]]
            shown = [each | {"lastStatusData": None} for each in shown]
            text = json.dumps({"data": shown}).replace(corrected[0], refused["id"]).replace("DUPLICATED", "VALID")
            return Said(200, said.headers, text.encode())
        return said

    proxy.after = after
    real = proxy.platform_says
    proxy.platform_says = lambda asked: real(  # type: ignore[method-assign]
        replace(asked, path=asked.path.replace(refused["id"], corrected[0]))
        if corrected and "/search" not in asked.path
        else asked
    )
    (witnessed.folder / "corrected.xml").write_bytes(render(sample_invoice(1), "ubl"))
    witnessed.update(1, document_uri=(witnessed.folder / "corrected.xml").as_uri(), technical_status="pending")

    until_settled(witnessed)

    assert len(corrected) == 1
    assert witnessed.row(1).technical_status == "error"


# --- caches -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("several", [True, False])
def test_a_cache_that_keeps_each_answer_makes_no_second_deposit(
    witnessed: World, proxy: AlteringProxy, several: bool
) -> None:
    kept: dict[str, Said] = {}

    def before(asked: Asked) -> Said | None:
        if not several and ("+OR+" in asked.path or "reatedDate" in asked.path):
            return REFUSED_QUERY
        asks_anew = "no-cache" in asked.headers.get("Cache-Control", "")
        return kept.get(asked.path) if "/search" in asked.path and not asks_anew else None

    def after(asked: Asked, said: Said) -> Said:
        said = Said(said.status, {k: v for k, v in said.headers.items() if k != "Date"}, said.body)
        return kept.setdefault(asked.path, said) if "/search" in asked.path and said.status == 200 else said

    proxy.before, proxy.after = before, after
    witnessed.advance(100)
    witnessed.simulator.configure(search_lag=60)
    lost(witnessed)
    witnessed.advance(16)

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1


def test_a_cache_that_no_header_passes_makes_no_second_deposit_by_one_question(
    witnessed: World, proxy: AlteringProxy
) -> None:
    kept: dict[str, Said] = {}

    def after(asked: Asked, said: Said) -> Said:
        said = Said(said.status, {k: v for k, v in said.headers.items() if k != "Date"}, said.body)
        return kept.setdefault(asked.path, said) if "/search" in asked.path and said.status == 200 else said

    proxy.before, proxy.after = lambda asked: kept.get(asked.path), after
    witnessed.advance(100)
    witnessed.simulator.configure(search_lag=60)
    lost(witnessed)
    witnessed.advance(16)

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1


def test_a_platform_whose_dates_are_local_time_makes_no_second_deposit(witnessed: World, proxy: AlteringProxy) -> None:
    def before(asked: Asked) -> Said | None:
        if "+OR+" in asked.path:
            return REFUSED_QUERY
        return None

    def after(asked: Asked, said: Said) -> Said:
        query = unquote_plus(asked.path)
        if "/search" not in query or '<="' not in query or said.status != 200:
            return said
        until = query.split('<="')[1].split('"')[0]

        def late(body: Any) -> Any:
            shown = [
                each for each in body["data"]
                if each["businessData"]["invoiceId"] != NUMBER or _hours_later(each["metadata"]["createDate"]) <= until
            ]  # fmt: skip
            return {"data": shown}

        return in_json(late, said)

    proxy.before, proxy.after = before, after
    lost(witnessed)

    until_settled(witnessed)

    assert len(witnessed.deposits(1)) == 1


def _hours_later(at: str) -> str:
    return (datetime.fromisoformat(at) + timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S")


# --- spellings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("000123", 123),
        ("FA-007", "FA-7"),
        ("Fé-12", "FÃ©-12"),
        ("Fé-12", "F?-12"),
        ("-/-", "–/–"),
        ("1", True),
    ],
)
def test_a_deposit_is_found_under_a_number_that_a_machine_has_rewritten(
    witnessed: World, proxy: AlteringProxy, sent: str, shown: Any
) -> None:
    def rewritten(entry: dict[str, Any]) -> None:
        if entry["businessData"]["invoiceId"] == sent:
            entry["businessData"]["invoiceId"] = shown

    in_search(proxy, rewritten)
    lost(witnessed, sent)

    until_settled(witnessed)

    (deposit,) = witnessed.simulator.ledger(sent)
    assert witnessed.row(1).submission_id == deposit["id"]


def test_a_seller_whose_address_is_no_siren_and_a_checksum_that_is_none_of_ours_hide_no_deposit(
    witnessed: World, proxy: AlteringProxy
) -> None:
    def after(asked: Asked, said: Said) -> Said:
        if said.status != 200:
            return said
        if asked.path.endswith("/files"):
            return in_json(lambda files: [each | {"checksum": hashlib.md5(b"x").hexdigest()} for each in files], said)  # noqa: S324
        if "/search" in asked.path:
            gln = {"electronicAddress": "0088:3012345000017"}
            return in_json(
                lambda body: {
                    "data": [each | {"businessData": each["businessData"] | {"seller": gln}} for each in body["data"]]
                },
                said,
            )
        return said

    proxy.after = after
    lost(witnessed)

    until_settled(witnessed)

    (deposit,) = witnessed.deposits(1)
    assert witnessed.row(1).submission_id == deposit["id"]


# --- one poison ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("poison", [b"1" * 5000, b'"\xe9"', b"-" + b"9" * 6000])
def test_one_entry_that_is_hard_to_read_hides_no_other(witnessed: World, proxy: AlteringProxy, poison: bytes) -> None:
    def after(asked: Asked, said: Said) -> Said:
        if "/search" not in asked.path or said.status != 200:
            return said
        other = b'{"metadata": {"invoiceId": "x-1"}, "businessData": {"invoiceId": "F-X", "note": %s}}' % poison
        body = json.dumps(said.json()["data"]).encode()
        return Said(200, said.headers, b'{"data": [' + other + (b", " + body[1:] if body != b"[]" else b"]") + b"}")

    lost(witnessed)
    proxy.after = lambda asked, said: after(asked, said) if NUMBER in asked.path else said

    until_settled(witnessed, 4)

    assert witnessed.row(1).submission_id == witnessed.deposits(1)[0]["id"]


# --- secrets and ids ------------------------------------------------------------------------------------------------------


def test_ids_that_end_like_the_customers_own_are_kept_apart(world: World, proxy: AlteringProxy) -> None:
    def after(asked: Asked, said: Said) -> Said:
        if not asked.is_deposit or said.status != 201:
            return said
        node = world.simulator.customer_id[-12:]
        return in_json(lambda body: body | {"id": f"{body['id'][:23]}-{node}"}, said)

    proxy.after = after
    world.add(1)
    world.add(2)
    world.deposit()

    for rank in (1, 2):
        (deposit,) = world.deposits(rank)
        assert str(world.row(rank).submission_id)[:23] == deposit["id"][:23]
        assert world.submission(rank).state == "submitted"
