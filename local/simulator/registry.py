"""Which platforms the simulator can be: the only list of wires."""

from __future__ import annotations

from local.simulator.afnor.platform import AFNOR
from local.simulator.core.platform import Platform
from local.simulator.iopole.platform import IOPOLE
from local.simulator.superpdp.platform import SUPERPDP

PLATFORMS: dict[str, Platform] = {each.name: each for each in (IOPOLE, SUPERPDP, AFNOR)}
