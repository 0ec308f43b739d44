"""What the platform shows is taken for another invoice's, for nobody's, or for a refusal, and it is ours: an adversary's finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.invoices import render, sample_invoice
from local.measure.ground import add_invoices, work_off
from local.simulator.core.control import Simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering, in_json
from tests.operator import Operator

HISTORY = {"STATUS_SOURCE": "history"}
FOLLOWED = 401 * 86_400.0


@pytest.fixture
def proxy(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as opened:
        yield opened


@pytest.fixture
def settings(proxy: AlteringProxy, request: pytest.FixtureRequest) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": proxy.url, **HISTORY, **getattr(request, "param", {})}


def in_doubt(world: World, rank: int = 1, **columns: Any) -> None:
    """An invoice that was stored, and whose answer was lost."""
    number = str(columns.get("number", sample_invoice(rank).number))
    world.simulator.script(number, ["lost_answer"])
    world.add(rank, **columns)
    world.deposit()
    assert world.submission(rank).state == "in_doubt"


def settle(world: World, rounds: int = 9, seconds: float = 160) -> None:
    for _ in range(rounds):
        world.advance(seconds)
        world.deposit()
        world.poll()


# --- a verdict on another invoice's deposit, which shows its number -------------------------------------------------------


@pytest.mark.parametrize("reason", ["VALIDATION_FAILURE", "DUPLICATED_INVOICE"])
@pytest.mark.parametrize("settings", [{}, {"STATUS_SOURCE": "sweep"}], indirect=True)
def test_the_refusal_of_anothers_deposit_rejects_nothing(world: World, proxy: AlteringProxy, reason: str) -> None:
    """Corrected under a number of its own, as a rejected row asks for it, the invoice would be delivered twice."""
    world.witness()
    in_doubt(world)
    first = world.deposits(1)[0]["id"]
    body = json.dumps({"id": first}).encode()
    proxy.after = lambda asked, said: Said(201, said.headers, body) if asked.is_deposit else said
    world.add(2)
    world.deposit()
    assert world.submission(2).platform_id == first
    proxy.after = lambda _asked, said: said
    world.simulator.add_status(first, "REJECTED", reason=reason, author="PLATFORM")

    for _ in range(4):
        world.advance(70)
        world.poll()

    assert world.submission(2).objection_code == "shown_as_another"
    assert [world.row(rank).technical_status for rank in (1, 2)] == ["error", "error"]
    assert [attempt.outcome for attempt in world.attempts(2)] == ["accepted"], "the verdict is no attempt's of this row"
    number = "F-2026-00002-B"
    corrected = world.folder / "corrected.xml"
    corrected.write_bytes(render(replace(sample_invoice(2), number=number), "cii"))
    world.update(2, invoice_number=number, document_uri=corrected.as_uri(), technical_status="pending")
    settle(world, 2)
    stored = [each for each in world.simulator.ledger() if each["number"].startswith("F-2026-00002")]
    assert len([each for each in stored if each["verdict"] == "accepted"]) == 1


# --- what is blanked as a secret is not shown, and no evidence --------------------------------------------------------------

COUNTED_BY = {
    "customer id": {"client_id": "mission@facteur.example", "client_secret": "s3cr3t-of-the-mission", "customer_id": "MISSION2026"},
    "client id": {"client_id": "LAVOIE-2026", "client_secret": "s3cr3t-of-lavoie", "customer_id": "0198c0de-0000-7000-8000-0000000000aa"},
}  # fmt: skip


def counted(world: World, what: str) -> str:
    """An account whose invoices are counted under what it sends as a secret; the beginning of its numbers."""
    account = COUNTED_BY[what]
    world.simulator.add_account(**account)
    world.put_secret("default", account)
    world.new_container()
    return {"customer id": "MISSION2026", "client id": "LAVOIE-2026"}[what]


@pytest.mark.parametrize("what", COUNTED_BY)
def test_a_number_that_holds_a_secret_is_found_by_the_bytes(world: World, what: str) -> None:
    number = f"{counted(world, what)}-0042"
    world.witness()
    in_doubt(world, number=number, content=render(replace(sample_invoice(1), number=number), "cii"))

    settle(world)

    assert world.submission(1).state == "submitted"
    assert len(world.simulator.ledger(number)) == 1


@pytest.mark.parametrize("what", COUNTED_BY)
@pytest.mark.parametrize("settings", [{"STATUS_SOURCE": "sweep"}], indirect=True)
def test_a_number_that_holds_a_secret_names_no_other_invoice(world: World, what: str) -> None:
    begins = counted(world, what)
    for rank in (1, 2):
        number = f"{begins}-{rank:04}"
        world.add(rank, number=number, content=render(replace(sample_invoice(rank), number=number), "cii"))
    world.deposit()
    settle(world, 3, 120)

    assert [world.row(rank).technical_status for rank in (1, 2)] == ["validated", "validated"]
    assert [world.submission(rank).number_seen for rank in (1, 2)] == [None, None]


# --- a row's seller is not its document's, and the copy is a converted one ---------------------------------------------------


@pytest.mark.parametrize("corrected", [False, True])
def test_who_rejects_an_invoice_whose_own_deposit_was_shown_under_another_number_doubles_nothing(
    world: World, proxy: AlteringProxy, operator: Operator, corrected: bool
) -> None:
    """The platform once showed the first deposit under the second's number: both stop, though each has its own."""
    world.witness()
    for rank in (1, 2):
        world.add(rank)
        world.deposit()
    first, own = (str(world.submission(rank).platform_id) for rank in (1, 2))
    number_of_first, number_of_second = (sample_invoice(rank).number.encode() for rank in (1, 2))

    def mixed_up(asked: Asked, said: Said) -> Said:
        about_first = "status-history" in asked.path and first in asked.path
        return (
            Said(said.status, said.headers, said.body.replace(number_of_first, number_of_second))
            if about_first
            else said
        )

    proxy.after = mixed_up
    for _ in range(3):
        world.advance(70)
        world.poll()
    proxy.after = lambda _asked, said: said
    assert world.submission(2).objection_code == "shown_as_another"

    assert operator.run("reject", f"id:{world.ids[2]}", "--why", "not ours", "--yes").code == 0
    number = "F-2026-00002-B" if corrected else sample_invoice(2).number
    document = world.folder / "again.xml"
    document.write_bytes(render(replace(sample_invoice(2), number=number), "cii"))
    world.update(2, invoice_number=number, document_uri=document.as_uri(), technical_status="pending")
    settle(world, 12)

    assert [deposit["id"] for deposit in world.simulator.ledger(sample_invoice(2).number)] == [own]
    assert world.simulator.ledger("F-2026-00002-B") == []
    assert world.submission(2).platform_id == own


SETTLED = "update facteur.submissions set objection_code = 'shown_as_another', objection = %(words)s where id = %(id)s"


@pytest.mark.parametrize(("words", "state"), [(None, "rejected"), ("compare both", "submitted")])
def test_a_verdict_counts_again_once_a_person_says_that_the_deposit_is_this_ones(
    world: World, words: str | None, state: str
) -> None:
    world.add(1)
    world.deposit()
    world.database.rows(SETTLED, {"words": words, "id": world.submission(1).id})
    world.simulator.add_status(world.deposits(1)[0]["id"], "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")

    for _ in range(4):
        world.advance(70)
        world.poll()

    assert world.submission(1).state == state


@pytest.mark.parametrize("reason", ["VALIDATION_FAILURE", "DUPLICATE_INVOICE"])
def test_a_refused_deposit_that_is_shown_as_anothers_is_followed_no_longer_than_any(world: World, reason: str) -> None:
    """Its history was read each hour for ever (torture, 499636578)."""
    world.add(1)
    world.deposit()
    world.database.rows(SETTLED, {"words": "compare both", "id": world.submission(1).id})
    world.simulator.add_status(world.deposits(1)[0]["id"], "REJECTED", reason=reason, author="PLATFORM")
    world.advance(70)
    world.poll()

    world.advance(FOLLOWED)
    world.poll()

    submission = world.submission(1)
    assert (submission.state, submission.due_at, submission.objection) == ("closed", None, "compare both")


@pytest.mark.parametrize("corrected", [False, True])
def test_who_rejects_an_invoice_that_holds_anothers_deposit_doubles_nothing_later(
    world: World, proxy: AlteringProxy, operator: Operator, corrected: bool
) -> None:
    """Its own deposit stands, and no attempt has its id: set back to pending, it is looked up first."""
    world.witness()
    in_doubt(world)
    first = world.deposits(1)[0]["id"]
    body = json.dumps({"id": first}).encode()
    proxy.after = lambda asked, said: Said(201, said.headers, body) if asked.is_deposit else said
    world.add(2)
    world.deposit()
    proxy.after = lambda _asked, said: said
    for _ in range(2):
        world.advance(70)
        world.poll()
    assert world.submission(2).objection_code == "shown_as_another"

    result = operator.run("reject", f"id:{world.ids[2]}", "--why", "not ours", "--yes")
    assert result.code == 0, result.err
    assert "stays unknown" in result.out
    world.update(2, technical_status="pending", **({"total": 12} if corrected else {}))
    settle(world)

    (deposit,) = world.deposits(2)
    assert (world.submission(2).platform_id, world.row(2).technical_status) == (deposit["id"], "validated")
    adopted = operator.run("adopt", f"id:{world.ids[1]}", first, "--why", "compared", "--yes")
    assert adopted.code == 0, adopted.err
    assert (world.row(1).submission_id, world.row(1).technical_status) == (first, "validated")


@pytest.mark.parametrize("shown", [True, False])
def test_a_deposit_of_another_seller_with_other_bytes_is_a_persons_to_compare(
    world: World, proxy: AlteringProxy, shown: bool
) -> None:
    """`shown`: number, amount and currency agree; else the search leaves the amount out. Neither proves it a stranger's."""
    world.witness(siren="732829320")

    def converted(files: list[dict[str, object]]) -> list[dict[str, object]]:
        return [each | {"checksum": "ab" * 32} for each in files]

    def without_amount(body: dict[str, list[dict[str, dict[str, object]]]]) -> object:
        for entry in body["data"]:
            entry.get("businessData", {}).pop("monetary", None)
        return body

    in_doubt(world, siren="732829320")
    proxy.after = lambda asked, said: (
        in_json(converted, said) if said.status == 200 and asked.path.endswith("/files")
        else in_json(without_amount, said) if said.status == 200 and "/search" in asked.path and not shown
        else said
    )  # fmt: skip

    settle(world)

    assert world.submission(1).last_error_code == "conflicting_deposit"
    assert len(world.deposits(1)) == 1


# --- "duplicate", in whatever words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["DUPLICATED_INVOICE", "Duplicated-Invoice", "rej_uni", "Doublon de facture", "INVOICE_ALREADY_EXISTS"]
)
def test_a_second_deposit_that_is_called_a_duplicate_in_any_words_leaves_the_first(
    world: World, proxy: AlteringProxy, word: str
) -> None:
    proxy.after = lambda _asked, said: (
        replace(said, body=said.body.replace(b"DUPLICATED_INVOICE", word.encode())) if said.status == 200 else said
    )
    world.witness()
    world.advance(3000)
    world.simulator.configure(search_lag=1500)  # longer than a doubt is looked up
    in_doubt(world)

    settle(world, 24)

    assert world.row(1).technical_status == "validated"
    assert world.submission(1).platform_id == world.deposits(1)[0]["id"]


@pytest.mark.parametrize("code", ["DUPLICATED_INVOICE", "DOUBLON"])
def test_a_second_deposit_that_is_refused_at_once_as_a_duplicate_leaves_the_first(
    world: World, proxy: AlteringProxy, code: str
) -> None:
    world.witness()
    world.advance(3000)
    world.simulator.configure(search_lag=1500)
    in_doubt(world)
    body = json.dumps({"code": code, "statusMessage": "This invoice has already been deposited"}).encode()
    refused = Said(400, {"Content-Type": "application/json"}, body)
    proxy.before = lambda asked: refused if asked.is_deposit else None

    settle(world, 24)

    assert world.row(1).technical_status == "validated"
    assert len(world.deposits(1)) == 1


# --- ids are their client's ------------------------------------------------------------------------------------------------------


def test_one_id_at_two_clients_is_two_deposits(two: World, proxy: AlteringProxy) -> None:
    body = json.dumps({"id": "1001"}).encode()
    proxy.after = lambda asked, said: Said(201, said.headers, body) if asked.is_deposit else said
    for account in ("default", "second"):
        add_invoices(two, 1, account)
        work_off(two)

    for _ in range(6):
        two.advance(600)
        work_off(two)

    found = two.database.rows("select state, platform_id from facteur.submissions order by id")
    assert [(row.state, row.platform_id) for row in found] == [("submitted", "1001")] * 2
