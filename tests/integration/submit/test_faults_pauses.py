"""A platform that says when to come back is left alone until then, whichever call it said so to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from local.measure.crowd import crowd
from local.measure.ground import add_invoices, burst, prepare, states, work_off
from local.world.levers import World

SECOND = "M-000002"
PAUSE_SECONDS = 120
PER_MINUTE = 300.0
CALLS_SPAN = """
select count(*) as calls, extract(epoch from max(ended_at) - min(started_at))::double precision as seconds from facteur.attempts
"""


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """A generous budget, or what a test asks for."""
    return {"REQUESTS_PER_MINUTE": str(getattr(request, "param", 60000)), "STATUS_SOURCE": "history"}


@pytest.fixture
def ready(world: World) -> World:
    prepare(world)
    return world


@pytest.mark.slow
@pytest.mark.parametrize("said", [f"429_seconds:{PAUSE_SECONDS}", f"429_date:{PAUSE_SECONDS}"])
@pytest.mark.parametrize(("endpoint", "before"), [("deposit", ()), ("token", ()), ("search", ("lost_answer",))])
def test_nobody_calls_the_platform_before_its_retry_after_is_over(
    ready: World, endpoint: str, before: Sequence[str], said: str
) -> None:
    add_invoices(ready, 1)
    work_off(ready)  # from now on its statuses are due as well
    ready.new_container()  # without a token
    ready.simulator.script(SECOND, before)
    ready.simulator.script_endpoint(endpoint, [said])
    add_invoices(ready, 1)
    work_off(ready)
    ready.advance(20)
    work_off(ready)
    asked = ready.simulator.calls()
    assert [call["endpoint"] for call in asked if call["status"] == 429] == [endpoint]

    add_invoices(ready, 10)
    for _ in range(9):
        ready.advance(10)
        work_off(ready)
        ready.poll()
    assert ready.simulator.calls() == asked
    assert states(ready)["submitted"] == 1

    for _ in range(4):
        ready.advance(PAUSE_SECONDS)
        work_off(ready)
    ready.poll()
    assert states(ready) == {"submitted": 12}
    assert len(ready.simulator.ledger()) == 12
    assert ready.simulator.calls("history") != []


@pytest.mark.slow
@pytest.mark.parametrize("settings", [PER_MINUTE], indirect=True)
def test_twenty_submitters_never_get_more_permits_than_their_time_is_worth(ready: World) -> None:
    let_loose = crowd(ready, submitters=20, seconds=4, per_minute=PER_MINUTE, pause_at=2, pause_seconds=1)

    spent = ready.database.row(CALLS_SPAN)

    assert spent.calls >= let_loose.deposits > burst(PER_MINUTE)
    assert spent.calls <= burst(PER_MINUTE) + PER_MINUTE / 60 * spent.seconds
