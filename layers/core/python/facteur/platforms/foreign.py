"""Foreign values, each read at one place and within bounds: what is none of its kind is None, whatever it is, and nothing raises.

What a platform or a company sends may be of any type, length and nesting. Everything that is stored, logged or shown went through here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from facteur.domain.visible import visible
from facteur.platforms.blanking import HIDDEN

LONGEST_WORDS = 500
LONGEST_ID = 200  # of a deposit or a status; UUIDs have 36
LONGEST_CODE = 60
LONGEST_MOMENT = 60
FIRST_YEAR, LAST_YEAR = 1900, 2999  # an hour more or less of any of them is an instant as well
LONGEST_AMOUNT = 40
LARGEST_AMOUNT = Decimal(10) ** 15
FINEST_AMOUNT = -10  # digits after the point, as an exponent
LARGEST_NUMBER = 10**30
ELLIPSIS = "…"
GAP = "\ufffd"  # where a letter could not be read


def word(value: Any, longest: int = LONGEST_WORDS) -> str | None:
    """A text or a number, made visible, of at most so many characters; None where it is neither, or nothing is left."""
    text = _scalar(value) or ""
    shown = visible(text[:longest])
    whole = len(shown) <= longest and not text[longest:].strip()
    return (shown if whole else shown[: longest - 1] + ELLIPSIS) or None


def code(value: Any) -> str | None:
    """A short word: a status, a state, a reason."""
    return word(value, LONGEST_CODE)


def identifier(value: Any) -> str | None:
    """A platform's id, to the letter but for blanks around it; None where it is none that could be asked for again."""
    text = (_scalar(value) or "").strip()
    if isinstance(value, bool | float) or not 0 < len(text) <= LONGEST_ID or GAP in text or HIDDEN in text:
        return None
    return text if text.isprintable() and text.encode("utf-8", "ignore").decode() == text else None


def number(value: Any) -> str | None:
    """An invoice's number; None where it is none, or could not be read whole: then it is not shown, and names no other invoice.

    A number may hold what is blanked as a secret, such as a customer id that a company counts under.
    """
    shown = word(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    return None if shown is None or HIDDEN in shown or GAP in shown or shown.endswith(ELLIPSIS) else shown


def moment(value: Any) -> datetime | None:
    """An ISO 8601 date and time of these centuries; one without a zone is UTC.

    Whether it can be true is for whoever knows the deposit.
    """
    if not isinstance(value, str) or len(value) > LONGEST_MOMENT:
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if FIRST_YEAR <= at.year <= LAST_YEAR else None


def amount(value: Any) -> Decimal | None:
    """An amount of money that an invoice can have; None for what is no number, no finite one, or an absurd one."""
    text = _scalar(value)
    if not text or isinstance(value, bool) or len(text) > LONGEST_AMOUNT:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    if not found.is_finite() or found.adjusted() > LARGEST_AMOUNT.adjusted():
        return None
    exponent = found.as_tuple().exponent
    return found if isinstance(exponent, int) and exponent >= FINEST_AMOUNT and abs(found) < LARGEST_AMOUNT else None


def fields(value: Any) -> dict[str, Any]:
    """An object; an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def entries(value: Any, most: int | None = None) -> list[Any]:
    """A list, or its first few; an empty one where it is none."""
    return value[:most] if isinstance(value, list) else []


def first(value: Any) -> dict[str, Any]:
    """The first element of a list, where it is an object."""
    return next(map(fields, entries(value, 1)), {})


def _scalar(value: Any) -> str | None:
    """A text as it is, a number in digits. Lists and objects are none: to write them out may take for ever."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < LARGEST_NUMBER else None
    return str(value) if isinstance(value, float) and math.isfinite(value) else None


def joined(between: str, values: Iterable[Any]) -> str | None:
    """What can be read of several words, each once, within the bounds of one."""
    return word(between.join(dict.fromkeys(filter(None, map(word, values)))))
