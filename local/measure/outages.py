"""The scenarios of issue 3, section 4, in full size, and their figures as a table."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from local.measure.crowd import crowd
from local.measure.downtime import Kind, platform_down
from local.measure.flood import flood
from local.measure.ground import ground
from local.measure.starts import cold_starts, rotation

Line = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A heading, and what measures it."""

    heading: str
    measure: Callable[[], Iterator[Line]]


def scenarios(hours: float, minutes: float) -> dict[str, Scenario]:
    """Every scenario by its name on the command line."""
    down = f"Platform down for {hours:g} h, 2,000 invoices waiting, 150 requests a minute"
    return {
        "refused": Scenario(f"{down}: connections refused", functools.partial(_down, "refused", hours)),
        "503": Scenario(f"{down}: 503 to everything", functools.partial(_down, "503", hours)),
        "flood": Scenario("50,000 rows due, 3 requests a second", functools.partial(_flood, minutes)),
        "crowd": Scenario("20 submitters with a message for every row, 5 requests a second, real time", _crowd),
        "starts": Scenario("50 cold starts, 3 invoices each", _starts),
        "rotation": Scenario("Secret rotated, the old one and its tokens refused", _rotation),
    }


def _down(kind: Kind, hours: float) -> Iterator[Line]:
    with ground(REQUESTS_PER_MINUTE="150", RESEND_AFTER_SECONDS="3600") as world:
        found = platform_down(world, kind, invoices=2000, hours=hours, step_seconds=20, per_minute=150)
    yield "calls before the breaker was open", f"{found.calls_before_open}"
    yield "probes; most in any minute", f"{found.probes}; {found.most_probes_a_minute}"
    yield "invoices in doubt when it came back", f"{found.doubts}"
    yield "deposits; doubles; lost, failed or open at the end", f"{found.deposits}; {found.doubles}; {found.unfinished}"
    yield (
        "backlog deposited after; the last doubt settled after",
        f"{found.backlog_minutes:.1f} min; {found.recovery_minutes:.1f} min",
    )
    yield "most calls in any 10 s; admitted", f"{found.peak_calls_in_ten_seconds}; {found.admitted_in_ten_seconds:g}"
    yield "farthest from the order of age (8 are under way at once)", f"{found.farthest_from_order} places"
    yield "messages sent, all hours and the recovery", f"{found.messages:,}"


def _flood(minutes: float) -> Iterator[Line]:
    with ground(REQUESTS_PER_MINUTE="180") as world:
        found = flood(world, invoices=50_000, minutes=minutes, per_minute=180)
    yield "simulated; real time it took", f"{minutes:g} min; {found.real_seconds:.0f} s"
    yield "deposits; doubles", f"{found.deposits:,}; {found.doubles}"
    yield "messages sent; per deposit", f"{found.messages:,}; {found.messages_per_deposit:.2f}"
    yield "most calls in any 10 s; admitted", f"{found.peak_calls_in_ten_seconds}; {found.admitted_in_ten_seconds:g}"


def _crowd() -> Iterator[Line]:
    with ground(REQUESTS_PER_MINUTE="300") as world:
        found = crowd(world, submitters=20, seconds=30, per_minute=300, pause_at=15, pause_seconds=5)
    yield "rows asked for; deposits; doubles", f"{found.asked:,}; {found.deposits}; {found.doubles}"
    yield (
        "most calls in any 10 s; budget; with the burst",
        f"{found.most_calls_in_ten_seconds}; {found.budget_in_ten_seconds:g}; {found.admitted_in_ten_seconds:g}",
    )
    yield (
        "429 with Retry-After 5 s: recorded, and all under way ended, after",
        f"{found.learnt_after_seconds * 1000:.0f} ms",
    )
    yield (
        "calls that were under way until then; calls in the rest of the pause",
        f"{found.calls_while_it_was_learnt}; {found.calls_in_the_pause}",
    )


def _starts() -> Iterator[Line]:
    with ground() as world:
        found = cold_starts(world, containers=50, invoices_each=3)
    yield "token calls; deposits", f"{found.token_calls}; {found.deposits}"


def _rotation() -> Iterator[Line]:
    for late in (False, True):
        with ground() as world:
            found = rotation(world, invoices=20, late=late)
        when = "Secrets Manager had it late" if late else "Secrets Manager had it in time"
        yield (
            f"{when}: token calls (refused); deposits; failed",
            f"{found.token_calls} ({found.refused_token_calls}); {found.deposits}; {found.failed}",
        )
