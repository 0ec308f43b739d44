"""What a decision consists of, and the moves that decisions are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from facteur.domain.doubt import DoubtClock
from facteur.domain.submission import Claim, Move, State, Waiting
from facteur.errors import Problem

LOOKUP_FRACTIONS = (1 / 16, 3 / 16, 7 / 16, 1.0)  # of RESEND_AFTER_SECONDS: when the look-ups of a doubt are due
LOOKED_UP = "looked_up"
OTHER_SELLER = "other_seller"  # the code of an OtherSellerError
SILENT = frozenset({"platform_unreachable", "no_answer", "connection_reset"})
CORRECT_IT = "Correct the invoice, then set technical_status back to 'pending'"

Jitter = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things are tried, in seconds."""

    resend_after_seconds: float
    give_up_after_seconds: float
    follow_up_seconds: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The next move, what to store on the attempt, and whether the whole account waits: also where the outcome is unknown.

    `refused`: the account itself was refused, so that its pause ends with a read that is answered, not with time.
    """

    move: Move
    outcome: str = "not_deposited"
    problem: Problem | None = None
    platform_id: str | None = None
    response: str | None = field(default=None, repr=False)
    pause_seconds: float | None = None
    refused: bool = False

    @property
    def answered(self) -> bool | None:
        """Whether the platform is up, as far as this call shows; None: it shows nothing."""
        if self.problem is None:
            return True if self.outcome == LOOKED_UP else None
        if self.problem.http_status is None:
            return False if self.problem.code in SILENT else None
        return self.problem.http_status < 500 and self.problem.http_status != 408

    @property
    def account_refused(self) -> bool:
        """Whether the account's secret or rights are the cause, of this invoice's waiting alone or of all."""
        return self.refused or (self.problem is not None and self.problem.code == OTHER_SELLER)

    @property
    def platform_failed(self) -> bool:
        """Whether this outcome is an error of the platform's: no answer that means something, or asked to slow down."""
        return self.outcome == "unknown" or (self.problem is not None and platform_failed(self.problem))


def platform_failed(problem: Problem) -> bool:
    """Whether a call met an error of the platform's: unreachable, silent, 408, 429, 5xx."""
    status = problem.http_status
    return problem.code in SILENT if status is None else status in {408, 429} or status >= 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim.

    Attributes:
        found: attempts with the platform ids that a look-up found for them.
        witnesses: ids that it showed.
        shown: ids with the invoice number under which it showed them.
    """

    row: Waiting
    claim: Claim
    decision: Decision
    found: Sequence[tuple[int, str]] = ()
    witnesses: Sequence[str] = ()
    shown: Sequence[tuple[str, str]] = ()


def next_look_up(empty_lookups: int, doubt_seconds: float, resend_after_seconds: float) -> float:
    """Seconds until the next look-up of a doubt, after so many empty ones."""
    if empty_lookups == 0:
        return min(15.0, resend_after_seconds / 16)
    fraction = LOOKUP_FRACTIONS[min(empty_lookups, len(LOOKUP_FRACTIONS) - 1)]
    return max(resend_after_seconds / 64, fraction * resend_after_seconds - doubt_seconds)


def in_doubt(problem: Problem, limits: Limits, *, duplicate: bool = False) -> Move:
    """A deposit that may have arrived: it is looked up, soon at first."""
    return Move(
        State.IN_DOUBT,
        next_look_up(0, 0, limits.resend_after_seconds),
        error_code=problem.code,
        error_message=problem.sentence("It is looked up before anything is sent again"),
        duplicate_verdict=duplicate,
    )


def wait(
    state: State,
    delay: float,
    problem: Problem,
    next_step: str,
    *,
    waited: float = 0,
    empty_lookups: int = 0,
    clock: DoubtClock | None = None,
    shared: bool | None = None,
) -> Move:
    """Stay in a state and be due again."""
    return Move(
        state,
        delay,
        error_code=problem.code,
        error_message=problem.sentence(next_step),
        waited_seconds=waited,
        empty_lookups=empty_lookups,
        clock=clock,
        shared=shared,
    )


def final(state: State, problem: Problem, next_step: str) -> Move:
    """The end of a submission, with what a person does about it."""
    return Move(state, error_code=problem.platform_code or problem.code, error_message=problem.sentence(next_step))
