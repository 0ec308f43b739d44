"""What Iopole's answers mean where nothing is deposited, and what they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from facteur.decide import ACCOUNT_REFUSED
from facteur.errors import AccountRefusedError, PlatformBusyError, Problem
from facteur.platforms.foreign import FIRST_YEAR, LAST_YEAR
from facteur.platforms.http import HttpAnswer
from facteur.platforms.iopole.reading import error_words


def refusal(answer: HttpAnswer) -> PlatformBusyError | AccountRefusedError:
    """Why a call that deposits nothing, or certainly deposited nothing, did not work."""
    if answer.status == 429:
        return PlatformBusyError(
            problem(answer, "too_many_requests", "the platform asks to slow down"), answer.retry_after_seconds()
        )
    if answer.status in ACCOUNT_REFUSED:
        return AccountRefusedError(
            problem(answer, "account_refused", "the platform refuses this account or its address is wrong")
        )
    return PlatformBusyError(
        problem(answer, "platform_unavailable", "the platform did not answer as it should"),
        answer.retry_after_seconds(),
    )


def is_busy(status: int) -> bool:
    """Whether the same question may be answered later."""
    return status in {408, 429} or status >= 500


SEEN_ERROR_FIELDS = frozenset({"statusMessage", "details", "code"})  # in every error of Iopole's API that was published


def in_its_own_words(body: Any) -> bool:
    """Whether an error is certainly Iopole's own, and not of something between it and us.

    `{}`, `{"message": …}` and `{"error": …}` are what API gateways, firewalls and login adapters write; a field that none of
    Iopole's errors was seen with makes it anybody's, too.
    """
    if not isinstance(body, dict) or not SEEN_ERROR_FIELDS.issuperset(body):
        return False
    details = body.get("details")
    first = details[0] if isinstance(details, list) and details else details
    issue = first if isinstance(first, dict) else {}
    return _spoken(body.get("statusMessage")) or (_spoken(issue.get("code")) and _spoken(issue.get("message")))


def _spoken(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def expect(answer: HttpAnswer, kinds: type | tuple[type, ...], absent: Any = None) -> Any:
    """The JSON of a 200 in one of the shapes expected; `absent`, where given, for a 404."""
    if answer.status == 404 and absent is not None:
        return absent
    body = answer.json() if answer.status == 200 else None
    if not isinstance(body, kinds):
        raise refusal(answer)
    return body


def listed(body: Any) -> list[Any]:
    """A bare array, or one in `data`. Anything else is no empty list."""
    entries = body.get("data") if isinstance(body, dict) else body
    if not isinstance(entries, list):
        raise PlatformBusyError(Problem("unreadable_answer", "the platform answered something else than a list", 200))
    return entries


def dated(answer: HttpAnswer) -> datetime | None:
    """When the platform says that it answered; None where it does not say so readably."""
    try:
        moment = parsedate_to_datetime(answer.headers["Date"])
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def problem(answer: HttpAnswer, code: str, message: str) -> Problem:
    platform_code, words = error_words(answer.json())
    return Problem(code, message, answer.status, platform_code, words)
