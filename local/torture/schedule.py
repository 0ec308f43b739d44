"""What a run does: which invoices, which interrupts, what else goes wrong and when. A name replays it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.torture.points import Interrupt

LONG_STALL_SECONDS = 150.0 + 600.0 + 60.0  # longer than a lease and the time after which a doubt is sent again
LARGE = 300_000  # bytes of a document of several blocks
HUGE = 5_100_000  # of one that a batch takes alone
UNROUTABLE = "999"  # behaviour of a buyer whom the directory does not know
DEPOSITED, REJECTED, FAILED = "closed", "rejected", "failed"


@dataclass(frozen=True, slots=True)
class Kind:
    """What an invoice is like. `ends` are the states it may end in, `corrected` those after somebody has corrected it.

    A refusal that was scripted is given once: where its answer was lost, the invoice is sent again and accepted.
    """

    name: str
    ends: frozenset[str]
    corrected: frozenset[str] = frozenset({DEPOSITED})
    buyer: str | None = None  # behaviour of the buyer; None: one that accepts
    faults: tuple[str, ...] = ()
    numbered: bool = True


KINDS = {
    kind.name: kind
    for kind in (
        Kind("good", frozenset({DEPOSITED})),
        Kind("refused", frozenset({REJECTED, DEPOSITED}), faults=("400",)),
        # failed: where another attempt's outcome is unknown, a refusal of the one that was found is not the last word
        Kind("unroutable", frozenset({REJECTED, FAILED}), buyer=UNROUTABLE),
        # the platform took it, the buyer's platform did not: its number stays used, whether the next one may have it is open
        Kind("bounced", frozenset({REJECTED, FAILED}), frozenset({DEPOSITED, REJECTED, FAILED}), buyer="213"),
        Kind("declined", frozenset({DEPOSITED}), buyer="210"),
        # refused by the buyer's platform, and disputed by the buyer at that instant: a person asks which one is true
        Kind("disputed", frozenset({DEPOSITED}), buyer="213", faults=("lifecycle_twists=contradictory",)),
        Kind("nameless", frozenset({FAILED}), numbered=False),
        Kind("scanned", frozenset({REJECTED, FAILED}), frozenset({DEPOSITED, REJECTED, FAILED})),  # a PDF without XML
        Kind("twin", frozenset({DEPOSITED, REJECTED, FAILED}), corrected=frozenset({DEPOSITED, REJECTED, FAILED})),
        Kind("taken", frozenset({REJECTED, FAILED, DEPOSITED}), faults=("409",)),
        Kind("denied", frozenset({DEPOSITED}), faults=("stored:400:taken",)),  # said of a first deposit, which is there
        Kind("loaded", frozenset({REJECTED, FAILED, DEPOSITED}), faults=("answer:400:taken",)),  # and nothing is there
        # number and seller of the one before, in another document: one of them gets the deposit
        Kind("rival", frozenset({DEPOSITED, REJECTED, FAILED}), corrected=frozenset({DEPOSITED, REJECTED, FAILED})),
        Kind("mute", frozenset({DEPOSITED}), faults=("lifecycle_twists=never",)),  # deposited, and never heard of
        Kind("namesake", frozenset({DEPOSITED})),  # the number of the one before, of another seller
    )
}


@dataclass(frozen=True, slots=True)
class Order:
    """One invoice of a run; `faults` meet its deposits in turn, `later` those after its correction."""

    kind: str = "good"
    faults: tuple[str, ...] = ()
    correct: bool = False
    same_document: bool = False  # corrected at the buyer's end: the same bytes are sent again
    later: tuple[str, ...] = ()
    seller: int = 0  # which of the company's
    account: str = "default"
    in_bucket: bool = False  # its document lies in S3, not in a folder
    size: int = 0  # of its document in bytes; 0: as short as it is
    lacks: bool = False  # its correction is saved without a document, which comes days later


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that goes wrong in a round; `during`: while the workers work."""

    at: int
    what: str
    during: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    platform: str = ""  # whose, where there are several


@dataclass(frozen=True, slots=True)
class Schedule:
    """A run. `name` replays it."""

    name: str
    seed: int
    orders: tuple[Order, ...]
    interrupts: tuple[Interrupt, ...] = ()
    happenings: tuple[Happening, ...] = ()
    switches: Mapping[str, Any] = field(default_factory=dict)  # of the simulator
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    shuffled: bool = False  # rounds of some workers only
    stacks: int = 1  # on one database, each with its own queue and workers
    mute: bool = False  # deposits are followed for a year: some are never heard of
    strangers: tuple[str, ...] = ()  # what others deposit under the company's numbers
    clients: str = "one"  # two: the second account is another client of the platform; same: it is the first one again
    stall_seconds: float = LONG_STALL_SECONDS
    mutant: str | None = None
    platform: str = "iopole"
    parts: Mapping[str, Schedule] = field(default_factory=dict)  # of each platform, where there are several
    most_leaps: int = 1_500  # of the clock; a run that needs more is stuck. Five doubts without a witness take three days, by the half hour

    def at(self, platform: str) -> Schedule:
        """What it is to one platform."""
        return self.parts.get(platform, self)


WITNESS = Order()  # without an accepted deposit an account never sends a doubtful invoice again by itself


# One of everything that the ports can do: each point is come to at least twice.
USUAL = (
    *(Order() for _ in range(5)),
    Order(size=LARGE),
    Order(faults=("lost_answer",)),
    Order(faults=("503_stored",)),
    Order(faults=("reset",)),
    Order(faults=("503",)),
    Order("refused"),
    Order("unroutable", correct=True),
    Order("nameless", correct=True),
    Order("nameless"),
)
USUAL_HAPPENINGS = (
    Happening(2, "unfinish", details={"rows": 2}),
    Happening(2, "refuse_write_backs", details={"rounds": 4, "rows": 2}),
    Happening(2, "fail_requests", details={"endpoint": "history", "faults": ["503", "429", "empty"]}),
)
