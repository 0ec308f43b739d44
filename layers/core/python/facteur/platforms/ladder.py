"""What an answer to a deposit means: the first rung that it stands on. Each adapter has a ladder of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from facteur.domain.submission import Accepted, Answer, Rejected
from facteur.errors import NotDepositedError, OutcomeUnknownError
from facteur.platforms import foreign
from facteur.platforms.answers import problem, refusal
from facteur.platforms.http import HttpAnswer

LONGEST_KEPT = 4000  # characters
REDIRECT = 300


class Meaning(StrEnum):
    """What became of a deposit, as far as its answer says."""

    DEPOSITED = "deposited"
    REFUSED = "refused"
    NOT_DEPOSITED = "not deposited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rung:
    """Which answers mean what. `body`: what they must hold, in the words of docs/reliability.md."""

    statuses: tuple[int, ...]
    body: str
    holds: Callable[[Any], bool]
    means: Meaning


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs from the top. `deposit_id` finds the id of a new deposit in an answer's JSON; None: there is none to keep and show."""

    rungs: tuple[Rung, ...]
    deposit_id: Callable[[Any], str | None]

    def meaning_of(self, answer: HttpAnswer) -> Answer:
        """The first rung that an answer stands on. One that came before the document's end left is about no deposit.

        Raises:
            OutcomeUnknownError: none; it may have been accepted.
            PlatformBusyError, AccountRefusedError: certainly nothing was deposited.
        """
        meaning = self._meaning(answer)
        if meaning is Meaning.DEPOSITED and (name := self.deposit_id(answer.json())) is not None:
            return Accepted(name, answer.status, _kept(answer))
        if meaning is Meaning.REFUSED:
            return Rejected(problem(answer, "refused", "the platform refused the invoice"), _kept(answer))
        if meaning is Meaning.NOT_DEPOSITED or (not answer.whole_body_sent and answer.status >= REDIRECT):
            raise refusal(answer)
        raise OutcomeUnknownError(
            problem(answer, "unknown_outcome", "the answer does not say whether the deposit was accepted"),
            answer.retry_after_seconds(),
        )

    def is_accepted(self, answer: HttpAnswer) -> bool:
        """Whether it says that a deposit was accepted."""
        return self._meaning(answer) is Meaning.DEPOSITED

    def _meaning(self, answer: HttpAnswer) -> Meaning:
        body = answer.json()
        found = (rung.means for rung in self.rungs if answer.status in rung.statuses and rung.holds(body))
        meaning = next(found, Meaning.UNKNOWN)
        # an early success may be the answer to another deposit, late: its id is that one's
        return Meaning.UNKNOWN if meaning is Meaning.DEPOSITED and not answer.whole_body_sent else meaning


def unless_there(answer: HttpAnswer, refused: Rejected, under_its_key: Callable[[], str | None]) -> Accepted | Rejected:
    """What a refusal means where a deposit bears a key of ours: one that is shown under it is this one, whatever the answer says.

    `under_its_key`: its id there, if there is one. Words and codes of refusals are not stable: they decide nothing against a key.

    Raises:
        OutcomeUnknownError: the platform cannot be asked.
    """
    try:
        there = under_its_key()
    except NotDepositedError:
        raise OutcomeUnknownError(problem(answer, "refused_unclear", "it refused, and cannot be asked why")) from None
    return refused if there is None else Accepted(there, answer.status, refused.response)


def _kept(answer: HttpAnswer) -> str:
    """What is stored of an answer: visible, and not too much of it."""
    return foreign.word(answer.text, LONGEST_KEPT) or ""
