"""Searching flows: criteria, order, pages and cursors, and what a platform may get wrong in each."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from local.simulator.afnor.flows import Flow, flows, rounded, shown
from local.simulator.afnor.refusals import params_error
from local.simulator.afnor.versions import ACK_STATUSES, DIRECTIONS, VERSIONS
from local.simulator.core.settings import Settings
from local.simulator.core.switches.afnor import CRITERIA
from local.simulator.core.world import World

USUAL_LIMIT, LARGEST_LIMIT = 25, 100
GOES_BACK = 3  # entries that a cursor shows once more
Key = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Search:
    """A search that is allowed: criteria by name, how many, and behind which entry."""

    where: dict[str, Any]
    limit: int
    after: Key | None


def read(body: object, settings: Settings) -> Search:
    """What a body asks for; ApiError where the norm does not allow it."""
    if not isinstance(body, dict) or not isinstance(body.get("where"), dict):
        raise params_error("where is missing")
    where = {name: value for name, value in body["where"].items() if value is not None}
    unknown = sorted(set(where) - set(CRITERIA))
    if unknown or not where:
        raise params_error(
            f"no such criterion: {', '.join(unknown)}" if unknown else "at least one criterion is required"
        )
    limit = body.get("limit", USUAL_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LARGEST_LIMIT:
        raise params_error(f"limit must be from 1 to {LARGEST_LIMIT}")
    return Search(checked(where, settings), limit, position(body.get("cursor"), settings))


def checked(where: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The criteria, with instants as numbers."""
    version = VERSIONS[settings.afnor_version]
    allowed = {"flowDirection": DIRECTIONS, "processingRule": version.rules}
    if settings.unknown_flow_types == "400":
        allowed["flowType"] = settings.known_flow_types or version.flow_types
    for name in ("flowType", "flowDirection", "processingRule"):
        values = where.get(name, [])
        if not isinstance(values, list) or any(each not in allowed.get(name, values) for each in values):
            raise params_error(f"{name} is not valid")
    if where.get("ackStatus", "Ok") not in ACK_STATUSES:
        raise params_error("ackStatus is not valid")
    if not isinstance(where.get("trackingId", ""), str) or len(where.get("trackingId", "")) > version.longest_id:
        raise params_error("trackingId is not valid")
    return {name: instant(name, value) if name.startswith("updated") else value for name, value in where.items()}


def instant(name: str, written: object) -> float:
    try:
        at = datetime.fromisoformat(str(written))
    except ValueError:
        raise params_error(f"{name} is no date-time") from None
    return at.replace(tzinfo=at.tzinfo or UTC).timestamp()


def answer(world: World, account: str, search: Search, echo: object) -> dict[str, Any]:
    """The page that is asked for; `echo`: the criteria as they came."""
    settings, now = world.settings, world.clock.now() - world.settings.search_lag
    key = ordering(settings)
    matching = (each for each in flows(world, account, now) if matches(each, search.where, now, settings))
    found = sorted(matching, key=key)[: settings.search_most or None]
    start = 0 if search.after is None else beginning(found, key, search.after, settings)
    page = found[start : start + min(search.limit, settings.search_cap or search.limit)]
    more = start + len(page) < len(found)
    return {
        "limit": len(found) if settings.total_in_limit else search.limit,
        "filters": echo,
        "results": [shown(each, now, settings) for each in page],
        **cursor_after(page, key, search, settings, more=more),
        **total(len(found), len(page), settings),
    }


def matches(flow: Flow, where: dict[str, Any], now: float, settings: Settings) -> bool:
    at = flow.updated_at if settings.dates_compared == "exactly" else rounded(flow.updated_at, settings)
    tests: dict[str, Callable[[Any], bool]] = {
        "trackingId": lambda wanted: flow.key == wanted,
        "updatedAfter": lambda after: at > after,
        "updatedBefore": lambda before: at < before,
        "flowType": lambda kinds: flow.type in kinds,
        "flowDirection": lambda directions: flow.direction in directions,
        "processingRule": lambda rules: (flow.signal.rule or "B2B") in rules,
        "ackStatus": lambda status: flow.signal.acknowledgement.shown(now)["status"] == status,
    }
    return all(tests[name](value) for name, value in where.items() if name not in settings.search_ignores)


def ordering(settings: Settings) -> Callable[[Flow], Key]:
    """Where a flow stands among the results: by the instant that is shown, many share one."""
    if settings.flow_order == "shuffled":
        return lambda flow: (0.0, sha256(f"{settings.seed}|{flow.id}".encode()).hexdigest())
    sign = -1.0 if settings.flow_order == "newest" else 1.0
    return lambda flow: (sign * rounded(flow.updated_at, settings), flow.id)


def beginning(found: Sequence[Flow], key: Callable[[Flow], Key], after: Key, settings: Settings) -> int:
    passed = sum(key(each) <= after for each in found)
    return max(0, passed + settings.search_shift)


def position(cursor: object, settings: Settings) -> Key | None:
    """The entry behind which a cursor goes on; 1.2 knows no cursors and takes no notice."""
    if cursor is None or not VERSIONS[settings.afnor_version].cursors:
        return None
    if settings.cursors == "refused":
        raise params_error("cursor is not valid")
    try:
        at, rank = json.loads(base64.urlsafe_b64decode(str(cursor)))
        return float(at), str(rank)
    except (ValueError, TypeError):
        raise params_error("cursor is not valid") from None


def cursor_after(
    page: Sequence[Flow], key: Callable[[Flow], Key], search: Search, settings: Settings, *, more: bool
) -> dict[str, str]:
    """`nextCursor`, while there is more; or what a platform gives instead."""
    if not page or not VERSIONS[settings.afnor_version].cursors or settings.cursors == "absent":
        return {}
    last = page[-1]
    if settings.cursors == "stuck":
        return {"nextCursor": written(search.after or (-float("inf"), ""))}
    if settings.cursors == "back" and more:
        last = page[max(0, len(page) - 1 - GOES_BACK)]
    return {"nextCursor": written(key(last))} if more else {}


def written(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def total(count: int, on_page: int, settings: Settings) -> dict[str, int | str]:
    """The norm has none; platforms have been seen with one."""
    made: dict[str, int | str] = {
        "total": count, "page": on_page, "zero": 0, "short": max(0, count - 1), "long": count + 7, "text": str(count),
    }  # fmt: skip
    return {"total": made[settings.search_count]} if settings.search_count in made else {}
