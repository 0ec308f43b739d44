"""A company leaves its platform for one of another kind, on a date, with invoices in every state: one deposit each over both."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

import pytest

from local.invoices import file_name, render, sample_invoice
from local.invoices.samples import DIFFICULT_BUYERS
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.operator import Operator
from tests.platforms import Move, secret_for

ROUTE = "insert into facteur.routes (account, since, credentials) values ('default', facteur.now() + interval '1 minute', 'new')"
CLAIM = "select verdict from facteur.claim(%(items)s::jsonb, 60, 60000, true)"
FAIL = """
select facteur.move_submission(%(id)s, '{"state": "failed", "error_code": "conflict", "error_message": "differs"}'),
       facteur.try_write_back(%(id)s)
"""
PIN = "select pin from facteur.accounts where name = 'default'"
DAY_AFTER_TOMORROW = """
select d.it::date::text as day, extract(epoch from d.it - facteur.now() at time zone 'UTC')::float as seconds
from (select date_trunc('day', facteur.now() at time zone 'UTC') + interval '2 days' as it) d
"""
SIGNED = ("--why", "a new contract", "--who", "ada", "--yes")
LATEST = (
    "select distinct on (invoice_id) invoice_id, state, account from facteur.submissions order by invoice_id, id desc"
)
MOVES = [
    ("iopole", "superpdp"),
    ("iopole", "afnor"),
    pytest.param(("superpdp", "afnor"), marks=pytest.mark.slow),
    pytest.param(("superpdp", "iopole"), marks=pytest.mark.slow),
    pytest.param(("afnor", "superpdp"), marks=pytest.mark.slow),
    pytest.param(("afnor", "iopole"), marks=pytest.mark.slow),
]
OUT_OF_IOPOLE = [("iopole", "superpdp"), ("iopole", "afnor")]

# What each invoice is when the date comes.
WITNESS, OPEN, CLOSED, ARRIVED, NEVER_ARRIVED, REFUSED, REJECTED_LATER, FAILED, FAILED_IN_DOUBT, CLAIMED = range(1, 11)
WAITING, CORRECTED, DELETED, TAKEN_BACK, DRAFT, DELETED_IN_DOUBT = range(11, 17)
AT_THE_OLD_ONE = (WITNESS, OPEN, CLOSED, ARRIVED, NEVER_ARRIVED, FAILED_IN_DOUBT, CLAIMED, DELETED_IN_DOUBT)
AT_THE_NEW_ONE = (REFUSED, REJECTED_LATER, FAILED, WAITING, CORRECTED, DRAFT)
FAULTS = {
    ARRIVED: "lost_answer", NEVER_ARRIVED: "503", REFUSED: "400", FAILED_IN_DOUBT: "lost_answer", DELETED_IN_DOUBT: "lost_answer",
}  # fmt: skip
BEFORE = {
    WITNESS: "submitted", OPEN: "submitted", CLOSED: "closed", REFUSED: "rejected", REJECTED_LATER: "rejected", FAILED: "failed",
    ARRIVED: "in_doubt", NEVER_ARRIVED: "in_doubt", DELETED_IN_DOUBT: "in_doubt", FAILED_IN_DOUBT: "failed", CLAIMED: "sending",
    WAITING: "pending", CORRECTED: "pending", DELETED: "pending", TAKEN_BACK: "pending",
}  # fmt: skip
IN_DOUBT = (ARRIVED, NEVER_ARRIVED, FAILED_IN_DOUBT, CLAIMED, DELETED_IN_DOUBT)


@pytest.fixture(scope="module")
def others() -> Iterator[dict[str, Simulator]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(running_simulator(platform=kind)) for kind in ("superpdp", "afnor")}


@pytest.fixture(params=MOVES, ids=lambda move: "-to-".join(move))
def move(world: World, others: dict[str, Simulator], request: pytest.FixtureRequest) -> Move:
    simulators = {"iopole": world.simulator, **others}
    old, new = request.param
    for each in simulators.values():
        each.reset()
    world.put_secret("default", secret_for(old, simulators[old]))
    world.put_secret("new", secret_for(new, simulators[new]))
    return Move(world, simulators[old], simulators[new])


def document(rank: int, buyer: str | None = None) -> bytes:
    invoice = sample_invoice(rank)
    return render(replace(invoice, buyer=DIFFICULT_BUYERS[buyer]) if buyer else invoice, "cii")


def number(rank: int) -> str:
    return sample_invoice(rank).number


def lifecycle(rank: int) -> str:
    """As far as the buyer's SIREN says that it goes."""
    return "210" if rank == CLOSED else sample_invoice(rank).buyer.siren[:3]


def finish(move: Move, rank: int, content: bytes | None = None) -> None:
    """Its document is corrected, and its row asks for a deposit."""
    name = file_name(sample_invoice(rank), "cii")
    (move.world.folder / name).write_bytes(content or document(rank))
    move.world.update(rank, status="final", technical_status="pending")


def numbers(simulator: Simulator) -> Counter[str]:
    """How many deposits the platform has under each number."""
    return Counter(each["number"] for each in simulator.ledger())


def once(ranks: Iterable[int]) -> Counter[str]:
    return Counter(map(number, ranks))


def claim(move: Move, rank: int) -> None:
    """A worker takes it, and is never heard of again."""
    world, row = move.world, move.world.submission(rank)
    world.database.rows("select facteur.mark_queued(array[%(id)s]::bigint[])", {"id": row.id})
    item = {
        "id": row.id, "tries": row.tries, "invoice_id": row.invoice_id, "platform": world.database.row(PIN).pin,
        "sha256": hashlib.sha256(document(rank)).hexdigest(), "takes_key": move.old is not world.simulator,
        "invoice_number": number(rank), "seller_siren": sample_invoice(rank).seller.siren,
    }  # fmt: skip
    assert world.database.row(CLAIM, {"items": json.dumps([item])}).verdict == "claimed"


def in_every_state(move: Move, operator: Operator) -> None:
    """Invoices of the old platform, a minute before the date."""
    world = move.world
    world.witness(WITNESS)
    world.add(OPEN)
    world.add(CLOSED, content=document(CLOSED, "210"))
    world.add(REJECTED_LATER, content=document(REJECTED_LATER, "213"))
    world.add(FAILED, content=b"neither XML nor PDF")
    for rank, fault in FAULTS.items():
        move.old.script(number(rank), [fault])
        world.add(rank)
    world.deposit()
    move.advance(100)
    for _ in range(2):
        world.poll()
        move.advance(10)
    world.database.rows(FAIL, {"id": world.submission(FAILED_IN_DOUBT).id})
    world.add(CLAIMED)
    world.relay()
    claim(move, CLAIMED)
    assert operator.run("pause", "default", "--why", "the contract ends", "--yes").code == 0
    for rank in (WAITING, CORRECTED, DELETED, TAKEN_BACK, DRAFT):
        world.add(rank)
    world.update(DRAFT, status="draft")
    world.deposit()
    world.update(TAKEN_BACK, status="draft")
    for rank in (DELETED, DELETED_IN_DOUBT):
        world.database.rows("delete from invoicing.invoices where id = %(id)s", {"id": world.ids[rank]})


def states(move: Move) -> dict[int, tuple[str, str]]:
    """Of the latest submission of each invoice: its state and account."""
    ranks = {str(key): rank for rank, key in move.world.ids.items()}
    return {ranks[row.invoice_id]: (row.state, row.account) for row in move.world.database.rows(LATEST)}


def test_every_invoice_is_deposited_once_over_both_platforms(move: Move, operator: Operator) -> None:
    in_every_state(move, operator)
    assert states(move) == {rank: (state, "default") for rank, state in BEFORE.items()}
    move.world.database.rows(ROUTE)
    move.advance(61)
    for rank in (REFUSED, REJECTED_LATER, FAILED, FAILED_IN_DOUBT, CORRECTED, DRAFT):
        finish(move, rank)

    move.work(3, 20)

    assert {rank: states(move)[rank] for rank in IN_DOUBT} == dict.fromkeys(IN_DOUBT, ("in_doubt", "default"))
    assert numbers(move.new) == once(AT_THE_NEW_ONE)
    assert operator.run("resume", "default", "--why", "its doubts", "--yes").code == 0
    move.work(7, 310, move.world.poll)
    assert numbers(move.new) == once(AT_THE_NEW_ONE)
    assert numbers(move.old) == once((*AT_THE_OLD_ONE, REJECTED_LATER))
    check_followed(move, AT_THE_OLD_ONE, AT_THE_NEW_ONE)


def check_followed(move: Move, at_the_old_one: Sequence[int], at_the_new_one: Sequence[int]) -> None:
    """Each invoice has the deposit that its own platform has under its number, and what that says of it."""
    world = move.world
    for account, simulator, ranks in (("default", move.old, at_the_old_one), ("new", move.new, at_the_new_one)):
        kept = {each["number"]: each["id"] for each in simulator.ledger()}
        for rank in ranks:
            submission = world.submission(rank)
            assert (submission.account, submission.platform_id) == (account, kept[number(rank)])
            assert submission.lifecycle_code == lifecycle(rank)
    assert set(states(move)) == {*at_the_old_one, *at_the_new_one}


def routed(move: Move, operator: Operator, to: str = "new") -> float:
    """A person routes `default` from the day after tomorrow on; seconds until then."""
    date = move.world.database.row(DAY_AFTER_TOMORROW)
    done = operator.run("route", "default", "--to", to, "--from", date.day, *SIGNED)
    assert done.code == 0, done.err
    assert f"account default is deposited with the secret of {to}" in " ".join(done.out.split())
    return float(date.seconds)


@pytest.mark.parametrize("move", OUT_OF_IOPOLE, indirect=True, ids=lambda move: "-to-".join(move))
def test_a_person_routes_a_company_to_a_platform_of_another_kind_on_a_date(move: Move, operator: Operator) -> None:
    world = move.world
    world.witness(WITNESS)
    seconds = routed(move, operator)
    for rank, fault in {ARRIVED: "lost_answer", NEVER_ARRIVED: "503", REFUSED: "400"}.items():
        move.old.script(number(rank), [fault])
        world.add(rank)
    world.add(OPEN)
    world.deposit()
    assert states(move)[OPEN] == ("submitted", "default")
    world.add(WAITING)
    world.relay()

    move.advance(seconds + 1)
    finish(move, REFUSED)
    move.work(12, 310, world.poll)

    at_the_old_one, at_the_new_one = (WITNESS, OPEN, ARRIVED, NEVER_ARRIVED), (WAITING, REFUSED)
    assert (numbers(move.old), numbers(move.new)) == (once(at_the_old_one), once(at_the_new_one))
    check_followed(move, at_the_old_one, at_the_new_one)
    accounts = {each["account"]: each for each in operator.ask("accounts")["accounts"]}
    assert [(each["credentials"], each["begun"]) for each in accounts["default"]["routes"]] == [("new", True)]
    at = {"default": move.old.base_url, "new": move.new.base_url}
    assert all(accounts[name]["pin"]["base_url"].startswith(url) for name, url in at.items())
    assert accounts["new"]["pin"]["provider"] != accounts["default"]["pin"]["provider"] == "iopole"


@pytest.mark.parametrize("move", OUT_OF_IOPOLE, indirect=True, ids=lambda move: "-to-".join(move))
def test_what_is_routed_to_a_secret_that_is_not_there_yet_waits_for_it(
    move: Move, operator: Operator, request: pytest.FixtureRequest
) -> None:
    """And is not deposited with the account's former platform meanwhile."""
    world, (_, kind) = move.world, request.node.callspec.params["move"]
    world.witness(WITNESS)
    move.advance(routed(move, operator, "later") + 1)
    world.add(WAITING)

    move.work(4, 310, world.poll)
    row = world.submission(WAITING)
    assert (row.state, row.account, row.last_error_code) == ("pending", "later", "secret_unreadable")
    assert f"secret {world.prefix}/later" in row.last_error_message

    world.put_secret("later", secret_for(kind, move.new))
    world.new_container()
    move.work(4, 310, world.poll)
    assert (numbers(move.old), numbers(move.new)) == (once([WITNESS]), once([WAITING]))
    assert world.submission(WAITING).lifecycle_code == lifecycle(WAITING)


@pytest.mark.parametrize("move", [("iopole", "superpdp")], indirect=True, ids=lambda move: "-to-".join(move))
def test_a_doubt_waits_for_its_own_platform_also_where_that_refuses_the_account(move: Move) -> None:
    """The contract has ended, and its credentials with it."""
    world = move.world
    world.witness(WITNESS)
    move.old.script(number(ARRIVED), ["lost_answer"])
    world.add(ARRIVED)
    world.deposit()
    world.database.rows(ROUTE)
    move.old.rotate_secret("another")
    move.old.revoke_tokens()
    move.advance(61)
    world.update(ARRIVED, technical_status="pending")
    world.add(WAITING)

    move.work(8, 3600)

    assert (states(move)[ARRIVED], numbers(move.new)) == (("in_doubt", "default"), once([WAITING]))
    move.old.rotate_secret(move.old.client_secret)
    move.work(4, 400)
    assert states(move)[ARRIVED] == ("submitted", "default")
    assert numbers(move.old) == once([WITNESS, ARRIVED])


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("move", [("iopole", "superpdp")], indirect=True, ids=lambda move: "-to-".join(move))
def test_the_kind_that_the_setting_names_may_change_once_the_old_secret_names_its_own(
    move: Move, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = move.world
    world.add(OPEN)
    world.deposit()
    world.database.rows(ROUTE)
    move.advance(61)
    if not named:
        secret = secret_for("iopole", move.old)
        world.put_secret("default", {name: value for name, value in secret.items() if name != "provider"})
    monkeypatch.setenv("PDP_PROVIDER", "superpdp")
    world.new_container()
    world.add(WAITING)

    if named:
        move.work(2, 100, world.poll)
        assert (numbers(move.new), world.submission(OPEN).lifecycle_code) == (once([WAITING]), lifecycle(OPEN))
        return
    world.poll()
    paused = world.database.row("select pause_reason from facteur.budgets where key = 'account:default'")
    assert (paused.pause_reason, world.submission(OPEN).lifecycle_code) == ("secret_malformed", None)
    world.put_secret("default", secret)
    world.new_container()
    move.work(3, 1000, world.poll)
    assert world.submission(OPEN).lifecycle_code == lifecycle(OPEN)
