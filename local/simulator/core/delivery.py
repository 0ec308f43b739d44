"""How an answer's bytes travel: a list of steps, worked out here and taken in wire.py. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from local.simulator.core.faults import Effect, Fault, Travel

INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
}


class End(Enum):
    """How a connection ends."""

    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing travels for so long; it is cut short where the client goes."""

    seconds: float


Step = bytes | Pause | End


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it is on the wire."""

    head: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        return self.head + self.body


def steps(fault: Fault, answer: Raw | None) -> list[Step]:
    """Everything that travels to the client because of a fault, in order; `answer` is None where nothing is answered."""
    first = [step for each in fault.travels for step in interim(each)]
    if answer is None:
        end = End.RESET if fault.effect is Effect.RESET else End.CLOSE
        return [*first, *pause(fault.seconds), end]
    late = fault.effect is Effect.RIGHT and not fault.delays_work
    waited = pause(fault.seconds if late else 0)
    return [*first, *waited, *carried(fault.travels, answer), *again(fault.travels, answer)]


def interim(travel: Travel) -> list[Step]:
    return [INTERIM[travel.name], *pause(travel.seconds)] * travel.times if travel.name in INTERIM else []


def carried(travels: Sequence[Travel], answer: Raw) -> list[Step]:
    """The answer itself, head and body, each in the way that it travels."""
    found: list[Step] = []
    for part, suffix in ((answer.head, "_head"), (answer.body, "_body")):
        travel = next((each for each in travels if each.name in ways(suffix)), None)
        found += bits(part, travel)
        if travel is not None and travel.name.startswith("half"):
            return found
    return found


def ways(suffix: str) -> set[str]:
    """Half and stall alone are about the body, drip alone is about both."""
    short = {"half", "stall"} if suffix == "_body" else set()
    return {"drip", f"drip{suffix}", f"half{suffix}", f"stall{suffix}"} | short


def bits(part: bytes, travel: Travel | None) -> list[Step]:
    if travel is None:
        return [part]
    middle = len(part) // 2
    if travel.name.startswith("drip"):
        return [step for i in range(len(part)) for step in (part[i : i + 1], *pause(travel.seconds))]
    if travel.name.startswith("half"):
        return [part[:middle], *pause(travel.seconds), End.CLOSE]
    return [part[:middle], *pause(travel.seconds), part[middle:]]


def again(travels: Sequence[Travel], answer: Raw) -> list[Step]:
    extra = next((each for each in travels if each.name == "extra"), None)
    return [*pause(extra.seconds), *[answer.whole] * extra.times] if extra else []


def pause(seconds: float) -> list[Step]:
    return [Pause(seconds)] if seconds else []
