"""What an answer to POST /v1/invoice means: one ladder. docs/reliability.md has the same table, and a test holds them equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from facteur.errors import OutcomeUnknownError
from facteur.model import Accepted, Answer, Rejected
from facteur.platforms import foreign
from facteur.platforms.answers import error_words, problem, refusal
from facteur.platforms.http import HttpAnswer
from facteur.platforms.iopole.answers import in_its_own_words

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


def deposit_id(body: Any) -> str | None:
    """The id of a new deposit; None where there is none that could be kept and shown."""
    found = body.get("id") if isinstance(body, dict) else None
    return foreign.identifier(found) if isinstance(found, str) else None


LADDER = (
    Rung((200, 201, 202), "an id", lambda body: deposit_id(body) is not None, Meaning.DEPOSITED),
    Rung((413,), "anything", lambda _body: True, Meaning.REFUSED),
    Rung((400, 415, 422), "a JSON object that names an error", lambda b: error_words(b) != (None, None), Meaning.REFUSED),
    Rung((401, 403, 404, 429), "an error in the platform's own JSON", in_its_own_words, Meaning.NOT_DEPOSITED),
)  # fmt: skip


def meaning_of_deposit(answer: HttpAnswer) -> Answer:
    """The first rung that an answer stands on. One that came before the document's end left is about no deposit.

    Raises:
        OutcomeUnknownError: none; it may have been accepted.
        PlatformBusyError, AccountRefusedError: certainly nothing was deposited.
    """
    meaning = _meaning(answer)
    if meaning is Meaning.DEPOSITED and (name := deposit_id(answer.json())) is not None:
        return Accepted(name, answer.status, _kept(answer))
    if meaning is Meaning.REFUSED:
        return Rejected(problem(answer, "refused", "the platform refused the invoice"), _kept(answer))
    if meaning is Meaning.NOT_DEPOSITED or (not answer.whole_body_sent and answer.status >= REDIRECT):
        raise refusal(answer)
    raise OutcomeUnknownError(
        problem(answer, "unknown_outcome", "the answer does not say whether the deposit was accepted"),
        answer.retry_after_seconds(),
    )


def is_accepted(answer: HttpAnswer) -> bool:
    """Whether it says that a deposit was accepted."""
    return _meaning(answer) is Meaning.DEPOSITED


def _meaning(answer: HttpAnswer) -> Meaning:
    body = answer.json()
    found = (rung.means for rung in LADDER if answer.status in rung.statuses and rung.holds(body))
    meaning = next(found, Meaning.UNKNOWN)
    # an early success may be the answer to another deposit, late: its id is that one's
    return Meaning.UNKNOWN if meaning is Meaning.DEPOSITED and not answer.whole_body_sent else meaning


def _kept(answer: HttpAnswer) -> str:
    """What is stored of an answer: visible, and not too much of it."""
    return foreign.word(answer.text, LONGEST_KEPT) or ""
