"""A refusal after an attempt that was only not found: it may be the second copy's, on every platform and with every code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from local.invoices import file_name, render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering
from tests.contract.platform.subjects import AfnorKind, IopoleKind, Kind, SuperPdpKind
from tests.operator import Operator
from tests.platforms import secret_for
from tests.two_accounts import SHOW_ACCOUNTS

KINDS: dict[str, Callable[[Simulator], Kind]] = {"iopole": IopoleKind, "superpdp": SuperPdpKind, "afnor": AfnorKind}
DAY = 86_400
HIDDEN_SECONDS = 1500  # longer than a doubt waits before it is sent again
NEVER_KNOWN = "BT-1 is missing"  # words that nobody has seen


@pytest.fixture(scope="module")
def running_ones() -> Iterator[dict[str, Simulator]]:
    with running_simulator(platform="superpdp") as superpdp, running_simulator(platform="afnor") as afnor:
        yield {"superpdp": superpdp, "afnor": afnor}


@dataclass
class Account:
    """The account `pdp` of a world, with a platform of one kind behind a proxy."""

    world: World
    kind: Kind
    simulator: Simulator
    proxy: AlteringProxy

    def add(self, rank: int) -> None:
        self.world.add(rank)
        self.world.update(rank, account="pdp")

    def work(self, times: int, seconds: float = 400.0) -> None:
        for _ in range(times):
            self.world.deposit()
            self.world.advance(seconds)
            if self.simulator is not self.world.simulator:
                self.simulator.advance(seconds)

    def witness(self) -> None:
        """A deposit that is shown whatever is hidden."""
        self.add(9)
        self.work(5)

    def refuse(self, status: int, but: int) -> None:
        """After the next few deposits the platform refuses each in its own words, and stores nothing."""
        left = [None] * but
        answer = Said(status, {"Content-Type": "application/json"}, self.kind.own_error(NEVER_KNOWN))

        def before(asked: Any) -> Said | None:
            if not self.kind.is_deposit(asked):
                return None
            return left.pop() if left else answer

        self.proxy.before = before

    def numbers(self) -> list[str]:
        return [each["number"] for each in self.simulator.ledger()]


@pytest.fixture
def account(request: pytest.FixtureRequest, world: World, running_ones: dict[str, Simulator]) -> Iterator[Account]:
    simulator = {"iopole": world.simulator, **running_ones}[request.param]
    if simulator is not world.simulator:
        simulator.reset()
    simulator.configure(token_seconds=DAY)  # each deposit is one request
    world.database.rows(SHOW_ACCOUNTS)
    with altering(simulator.base_url) as proxy:
        addressed = {
            key: str(value).replace(simulator.base_url, proxy.url) if key != "token_url" else value
            for key, value in secret_for(request.param, simulator).items()
        }
        world.put_secret("pdp", addressed)
        yield Account(world, KINDS[request.param](simulator), simulator, proxy)


EVERYWHERE = pytest.mark.parametrize(
    "account",
    ["superpdp", *(pytest.param(each, marks=pytest.mark.slow) for each in ("iopole", "afnor"))],
    indirect=True,
)


@pytest.mark.parametrize(
    ("account", "status"),
    [
        ("superpdp", 422), ("iopole", 422), ("afnor", 413),
        *(pytest.param(each, status, marks=pytest.mark.slow) for each in KINDS for status in (400, 415)),
    ],
    indirect=["account"],
)  # fmt: skip
def test_what_refuses_the_second_copy_rejects_no_invoice(account: Account, status: int) -> None:
    """Its first one stands and shows late: corrected and sent again it would be two."""
    account.witness()
    account.simulator.configure(search_hides=[f"younger:{HIDDEN_SECONDS}"])
    account.simulator.script_endpoint("deposit", ["lost_answer"])
    account.refuse(status, but=1)
    account.add(1)

    states = set()
    for _ in range(24):
        account.work(1, 160)
        states.add(account.world.submission(1).state)

    assert (account.world.submission(1).state, account.world.row(1).technical_status) == ("submitted", "validated")
    assert "rejected" not in states
    assert account.numbers().count(sample_invoice(1).number) == 1
    assert len(account.world.attempts(1)) > 1


@EVERYWHERE
def test_an_earlier_submissions_attempt_makes_a_refusal_a_question_too(account: Account) -> None:
    """It was given up, and a person asked for it again."""
    account.witness()
    account.simulator.script_endpoint("deposit", ["503"])
    account.refuse(422, but=1)
    account.add(1)
    account.work(1, 0)
    account.world.database.rows(
        "update facteur.submissions set state = 'failed', due_at = null, finalized_at = facteur.now(), doubt_since = null, "
        "write_back_due_at = null, written_status = 'error', last_error_code = 'given_up' where id = %(id)s",
        {"id": account.world.submission(1).id},
    )
    account.world.update(1, technical_status="pending")

    states = set()
    for _ in range(12):
        account.work(1)
        states.add(account.world.submission(1).state)

    assert "rejected" not in states
    assert [each.outcome for each in account.world.attempts(1)][:2] == ["not_found", "not_found"]


@EVERYWHERE
def test_an_honest_refusal_after_a_doubt_ends_at_a_person_and_the_corrected_one_is_deposited(
    account: Account, operator: Operator
) -> None:
    """Another document is sent only after a person has said that the first one is not to be."""
    account.witness()
    account.simulator.script_endpoint("deposit", ["503"])
    account.refuse(422, but=1)
    account.add(1)

    account.work(60)

    failed = account.world.submission(1)
    assert (failed.state, failed.last_error_code) == ("failed", "unknown_thrice")
    assert NEVER_KNOWN in failed.last_error_message
    assert "Correct" in failed.last_error_message
    assert "facteur reject" in failed.last_error_message
    account.proxy.before = lambda _asked: None
    corrected = render(sample_invoice(1), "cii").replace(b"</", b" </", 1)
    (account.world.folder / file_name(sample_invoice(1), "cii")).write_bytes(corrected)
    account.world.update(1, technical_status="pending")
    account.work(14)
    failed = account.world.submission(1)
    assert (failed.state, failed.last_error_code) == ("failed", "document_changed")
    assert "facteur reject" in failed.last_error_message
    assert operator.run("reject", sample_invoice(1).number, "--why", "it was corrected", "--yes").code == 0
    account.world.update(1, technical_status="pending")
    account.work(14)
    assert account.world.submission(1).state == "submitted"
    assert account.numbers().count(sample_invoice(1).number) == 1


@EVERYWHERE
def test_a_refusal_without_an_earlier_attempt_rejects_at_once(account: Account) -> None:
    account.refuse(422, but=0)
    account.add(1)

    account.work(1)

    assert (account.world.submission(1).state, account.world.row(1).technical_status) == ("rejected", "rejected")


def with_longer_key(asked: Asked) -> Asked:
    """As a client would send it whose keys are longer than the platform's 36 characters."""
    longer = rb"\g<0>-and-some-more"
    return replace(
        asked,
        path=re.sub(r"external_id=[^&]+", longer.decode(), asked.path),
        body=re.sub(rb'(?<="trackingId": ")[^"]+', longer, asked.body),
    )


@pytest.mark.parametrize("account", ["superpdp", "afnor"], indirect=True)
def test_a_key_longer_than_the_platform_takes_loses_nothing(account: Account) -> None:
    """It names the key and no mistake of the invoice, and is deposited once it is taken."""
    account.proxy.before = lambda asked: (
        account.proxy.platform_says(with_longer_key(asked)) if account.kind.is_deposit(asked) else None
    )
    account.add(1)
    account.work(1)

    refused = account.world.submission(1)
    assert (refused.state, account.world.row(1).technical_status, account.numbers()) == ("rejected", "rejected", [])
    assert re.search(r"HTTP 4..: .* The platform says: .*(external_id|trackingId) is ", refused.last_error_message)
    assert refused.last_error_message.endswith("then set technical_status back to 'pending'.")
    account.proxy.before = lambda _asked: None
    account.world.update(1, technical_status="pending")
    account.work(2)
    assert account.numbers() == [sample_invoice(1).number]
    assert account.world.submission(1).platform_id == account.simulator.ledger()[0]["id"]


@pytest.mark.parametrize(("account", "status"), [("superpdp", 422), ("afnor", 413)], indirect=["account"])
def test_a_first_deposit_that_is_refused_with_any_code_is_found_by_its_key(account: Account, status: int) -> None:
    """It was stored all the same."""
    answer = Said(status, {"Content-Type": "application/json"}, account.kind.own_error(NEVER_KNOWN))
    account.proxy.after = lambda asked, said: answer if account.kind.is_deposit(asked) else said
    account.add(1)

    account.work(1)

    assert account.world.submission(1).state == "submitted"
    assert account.world.submission(1).platform_id == account.simulator.ledger()[0]["id"]
