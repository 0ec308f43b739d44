"""The platforms that can be tortured: the only list of them; and the usual run of each."""

from __future__ import annotations

from local.torture.afnor.wire import AFNOR
from local.torture.iopole import IOPOLE
from local.torture.mixed import MIXED, usual
from local.torture.points import Interrupt
from local.torture.schedule import Schedule
from local.torture.superpdp.wire import SUPERPDP
from local.torture.wire import Wire

WIRES: dict[str, Wire] = {each.name: each for each in (IOPOLE, SUPERPDP, AFNOR, MIXED)}
USUAL_WIRE = IOPOLE.name
# What only a message that comes again leads to, and the strike that makes one come again.
ALONE, FIRST_DEATH = ("store.begin_alone", "store.end_alone"), Interrupt("kill", "store.claim.before", 1)


def at_point(interrupt: Interrupt | None, mutant: str | None = None, platform: str = USUAL_WIRE) -> Schedule:
    """The usual run with one interrupt (None: undisturbed)."""
    wire = WIRES[platform]
    plan = () if interrupt is None else (FIRST_DEATH, interrupt) if interrupt.point.startswith(ALONE) else (interrupt,)
    name = "undisturbed" if interrupt is None else str(interrupt)
    if wire.parts:
        return usual(name, plan, mutant)
    settings = {"STATUS_SOURCE": wire.source_that_reaches(interrupt.point if interrupt else "")}
    switches = dict(wire.usual_switches)
    if wire is IOPOLE:
        switches["search_dates"] = "shown_under" not in name
    return Schedule(
        name, 0, tuple(wire.usual_orders), plan, tuple(wire.usual_happenings), switches, settings=settings,
        mutant=mutant, platform=platform,
    )  # fmt: skip
