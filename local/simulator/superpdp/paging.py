"""Lists by cursor: which entries a page has, and what stands beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from local.simulator.core.settings import Settings
from local.simulator.superpdp.refusals import refused

T = TypeVar("T")
USUAL_LIMIT, LARGEST_LIMIT = 100, 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks of a list; a cursor that is not given, or ignored, is None."""

    limit: int
    descending: bool
    after: int | None
    before: int | None


def wanted(request: web.Request, settings: Settings) -> Wanted:
    """Read the query; ApiError for what is no number, out of bounds, or refused by a switch."""
    limit = whole(request, "limit")
    after, before = whole(request, "starting_after_id"), whole(request, "ending_before_id")
    order = request.query.get("order", "asc")
    if order not in {"asc", "desc"}:
        raise refused(400, "order must be asc or desc")
    if limit is not None and not 1 <= limit <= LARGEST_LIMIT:
        raise refused(400, f"limit must be between 1 and {LARGEST_LIMIT}")
    if after is not None and before is not None:
        raise refused(400, "starting_after_id and ending_before_id exclude each other")
    if settings.cursor == "refused" and (after is not None or before is not None):
        raise refused(400, "invalid cursor")
    if settings.cursor == "ignored":
        after = before = None
    order = order if settings.list_order == "asked" else settings.list_order
    return Wanted(USUAL_LIMIT if limit is None else limit, order == "desc", after, before)


def whole(request: web.Request, name: str) -> int | None:
    """A whole number of the query, or None where it is not there."""
    written = request.query.get(name)
    if written is None:
        return None
    if not written.isascii() or not written.lstrip("-").isdigit():
        raise refused(400, f"{name} must be an integer")
    return int(written)


def page(found: Sequence[T], number: Callable[[T], int], asked: Wanted, settings: Settings) -> list[T]:
    """The entries of one page of a list that goes up by number."""
    most = list(found)[::-1] if asked.descending else list(found)
    most = most[: settings.search_most or None]
    own = settings.cursor == "inclusive"
    kept = [each for each in most if beyond(number(each), asked, own=own)]
    first = asked.after is None and asked.before is None
    shift = 0 if first else settings.search_shift
    if shift < 0:
        start = most.index(kept[0]) if kept else len(most)
        kept = most[max(0, start + shift) :]
    size = min(asked.limit, settings.search_cap or asked.limit)
    return kept[max(0, shift) :][:size]


def beyond(number: int, asked: Wanted, *, own: bool) -> bool:
    """Whether an entry lies on the cursor's far side."""
    margin = 1 if own else 0
    above = asked.after is None or number > asked.after - margin
    return above and (asked.before is None or number < asked.before + margin)


def more(found: Sequence[T], shown: Sequence[T], number: Callable[[T], int], settings: Settings) -> dict[str, object]:
    """has_before and has_after: whether there are entries with smaller and with greater numbers than those of the page."""
    numbers, of_page = [number(each) for each in found], [number(each) for each in shown]
    before = bool(of_page) and min(numbers) < min(of_page)
    after = bool(of_page) and max(numbers) > max(of_page)
    how = settings.has_more
    if how == "absent":
        return {}
    fixed: dict[str, object] = {"never": False, "always": True}
    return {
        key: fixed.get(how, str(value).lower() if how == "text" else value)
        for key, value in (("has_before", before), ("has_after", after))
    }


def count(found: Sequence[object], shown: Sequence[object], settings: Settings) -> dict[str, object]:
    """How many there are on all pages, or what a platform takes for that."""
    total, kind = len(found), settings.search_count
    counts: dict[str, object] = {
        "total": total, "page": len(shown), "zero": 0, "short": max(0, total - 1), "long": total + 7, "text": str(total),
    }  # fmt: skip
    return {} if kind == "none" else {"count": counts[kind]}
