"""A search that does not take all kinds of flows at once: each kind is read by itself, from a place of its own.

The place of a kind that is refused stays where it is, so that nothing of it is lost once it is taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from facteur.errors import CursorRefusedError, NotDepositedError, Problem
from facteur.platforms import foreign
from facteur.platforms.afnor.flows import INVOICES, MESSAGES, Place

APART = "apart "
KINDS = (INVOICES, MESSAGES)
NOT_THE_KIND = frozenset({401, 408, 429, 502, 503, 504})  # of every search, as far as anybody knows


def refuses_kind(error: NotDepositedError) -> bool:
    """Whether a search may have been refused for the kinds of flows that it named."""
    status = error.problem.http_status
    return status is not None and status >= 400 and status not in NOT_THE_KIND


def places_apart(cursor: str | None) -> Mapping[str, Place] | None:
    """The place of each kind; None: they are read together. Raises CursorRefusedError: it is none of this adapter's."""
    if cursor is None or not cursor.startswith(APART):
        return None
    try:
        found = foreign.fields(json.loads(cursor.removeprefix(APART)))
    except (ValueError, RecursionError):
        found = {}
    if found.keys() != set(KINDS):
        raise CursorRefusedError(Problem("cursor_refused", "the place of the feed is none of this platform's"))
    return {kind: Place.read(str(found[kind])) for kind in KINDS}


def next_place(before: Mapping[str, Place], after: Mapping[str, Place], *, refused: bool) -> str:
    """Where they go on: together again once none is refused and all are at their ends."""
    if not refused and after == before:
        earliest = min(each.after for each in after.values())
        return str(Place(earliest, earliest))
    return APART + json.dumps({kind: str(place) for kind, place in after.items()})
