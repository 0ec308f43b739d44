"""Ids that are no evidence: statuses that are numbered `1`, `2`, `3` for each deposit, and deposits from years that never were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.simulator.core.control import Simulator
from local.world.levers import World
from tests.altering import AlteringProxy, Asked, Said, altering, in_json

SOURCES = ["sweep", "pull", "history"]


@pytest.fixture
def proxy(simulator: Simulator) -> Iterator[AlteringProxy]:
    with altering(simulator.base_url) as opened:
        opened.after = renumbered
        yield opened


@pytest.fixture(params=SOURCES)
def settings(proxy: AlteringProxy, request: pytest.FixtureRequest) -> dict[str, str]:
    return {"IOPOLE_BASE_URL": proxy.url, "STATUS_SOURCE": request.param}


def renumbered(asked: Asked, said: Said) -> Said:
    """Each deposit's statuses are numbered from 1 on, in a history and in what is not seen; the latter is never acknowledged."""
    if said.status == 404 and "markAsSeen" in asked.path:
        return Said(204, {}, b"")
    if said.status == 200 and ("status-history" in asked.path or "notSeen" in asked.path):
        return in_json(_renumbered, said)
    return said


def _renumbered(body: Any) -> Any:
    groups: dict[str, list[dict[str, Any]]] = {}
    entries = body if isinstance(body, list) else body["data"]
    statuses = [each for entry in entries for each in entry.get("newstatus", entry.get("newStatus", [entry]))]
    for status in sorted(statuses, key=lambda each: str(each["date"])):
        mine = groups.setdefault(status["invoiceId"], [])
        mine.append(status)
        status["statusId"] = str(len(mine))
    return body


def test_ids_that_come_for_a_second_deposit_too_hide_none_of_its_statuses(world: World) -> None:
    for rank in (1, 2, 3):
        world.add(rank)
    world.deposit()

    for _ in range(6):
        world.advance(120)
        world.poll()

    for rank in (1, 2, 3):
        (deposit,) = world.deposits(rank)
        stored = world.database.rows(
            "select platform_code from facteur.status_events where submission_id = %(id)s order by occurred_at",
            {"id": world.submission(rank).id},
        )
        assert [each.platform_code for each in stored] == deposit["statuses"]


@pytest.mark.parametrize("id_", ["ffffffff-ffff-7fff-bfff-ffffffffffff", "00000000-0000-7000-8000-000000000001"])
def test_an_instant_that_cannot_be_in_an_answered_id_holds_nobody_up(
    world: World, proxy: AlteringProxy, id_: str
) -> None:
    """An id of version 7 begins with milliseconds: of the year 10889, or of 1970."""
    body = json.dumps({"type": "INVOICE", "id": id_}).encode()
    proxy.after = lambda asked, said: Said(201, said.headers, body) if asked.is_deposit else said
    world.add(1)
    world.deposit()
    assert world.row(1).submission_id == id_

    proxy.after = lambda _asked, said: said
    for rank in (2, 3):
        world.add(rank)
    world.deposit()
    for _ in range(6):
        world.advance(120)
        world.poll()

    heard_of = [world.submission(rank).lifecycle_code is not None for rank in (1, 2, 3)]
    assert heard_of == [False, True, True]
