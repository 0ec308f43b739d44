"""What answers mean where nothing is deposited, and what they hold: of any platform."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from facteur.domain.decide_deposit import ACCOUNT_REFUSED
from facteur.domain.document_kind import extension_of
from facteur.errors import AccountRefusedError, PlatformBusyError, Problem, UnreadableCopyError
from facteur.platforms.foreign import FIRST_YEAR, LAST_YEAR, joined
from facteur.platforms.foreign import entries as _list
from facteur.platforms.foreign import fields as _dict
from facteur.platforms.foreign import word as _word
from facteur.platforms.http import HttpAnswer

MOST_RULES = 5  # of those that a document broke
SPOKEN = ("statusMessage", "message", "error_description", "errorMessage", "title", "detail")  # the last two: RFC 9457


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


def copy_hash(answer: HttpAnswer) -> str:
    """SHA-256 of the document that an answer gives back.

    Raises:
        UnreadableCopyError: it is no document that we could have sent.
    """
    if extension_of(answer.body) is None:
        raise UnreadableCopyError
    return hashlib.sha256(answer.body).hexdigest()


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


def error_words(body: Any) -> tuple[str | None, str | None]:
    """The code and message in an error, from any of the shapes that errors come in; (None, None): it names no error."""
    if not isinstance(body, dict):
        return None, None
    details, error = body.get("details"), body.get("error")
    first = details[0] if isinstance(details, list) and details else details
    inner, nested = _dict(first), _dict(error)
    codes = (body.get("code"), inner.get("code"), nested.get("code"), error, body.get("errorCode"))
    code = next((each for each in codes if each and isinstance(each, str)), None)
    spoken = [body.get(name) for name in SPOKEN] + [
        nested.get("message"),
        inner.get("message"),
        first,
        *_schematron(inner),
    ]
    spoken += [
        each.get("message") if isinstance(each, dict) else each for each in _list(body.get("errors"), MOST_RULES)
    ]
    words = [word for each in spoken for word in (each if isinstance(each, list) else [each]) if isinstance(word, str)]
    if code is None and not any(words) and isinstance(details, dict | list):
        words = ["no reason given"]
    return _word(code), _word(" – ".join(dict.fromkeys(filter(None, words))))


def _schematron(details: dict[str, Any]) -> list[str]:
    """The broken rules that /v1/tools names."""
    found = map(_dict, _list(details.get("schematronValidationErrors"), MOST_RULES))
    return [joined(" ", (error.get("id"), error.get("text"))) or "" for error in found]
