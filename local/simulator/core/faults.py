"""What can go wrong with an answer, and how a fault is written. Which request meets one is fault_plan.py's business.

A fault says what is answered, whether the request does its work all the same, how the bytes travel, and under which
switches the work is done: `103:0.3+drip_body:0.1+search_lag=300+stored:403:html`. The answer, where there is one, comes last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from local.simulator.core.settings import NAMES, Settings, changed

NAME = re.compile(r"\w+")
AN_HOUR = 3600.0


class Effect(StrEnum):
    """What becomes of the answer."""

    RIGHT = "right"  # the one that belongs to the request
    ANSWER = "answer"  # another one takes its place
    MANGLE = "mangle"  # the right status with a spoilt body
    RESET = "reset"  # TCP RST
    CLOSE = "close"  # the connection ends without an answer


@dataclass(frozen=True, slots=True)
class Travel:
    """One thing that happens to an answer, or to a request's body, on its way; how often only where that means something."""

    name: str
    seconds: float = 0.0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """`stored`: the request does its work all the same. `unread`: it strikes before the body is read.

    `answer` is an answer's status and body as answers.py knows them, such as `403:html`; `written`: all of it, as it was asked for.
    """

    name: str
    effect: Effect
    stored: bool = False
    unread: bool = False
    seconds: float = 0.0
    delays_work: bool = False
    answer: str = ""
    travels: tuple[Travel, ...] = ()
    switches: Mapping[str, Any] = field(default_factory=dict)
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        """For the log: its name, and under which switches the work was done."""
        values = {name: value if isinstance(value, tuple) else (value,) for name, value in self.switches.items()}
        switches = (f"{name}={','.join(map(str, value))}" for name, value in values.items())
        return "+".join([*switches, *([] if self.name in self.switches else [self.name])])

    def travel(self, name: str) -> Travel | None:
        return next((each for each in self.travels if each.name == name), None)


# How bytes travel, and the seconds that are meant where none are written.
TRAVELS = {
    "100": 0.0, "102": 0.0, "103": 0.0,  # an interim answer, so long before the final one; `103:0.1:25`: so many of them
    "drip": 0.1, "drip_head": 0.1, "drip_body": 0.1,  # byte by byte, so long between them
    "half": 0.0, "half_head": 0.0,  # half of the body, or of the head, so long, then the connection ends
    "stall": AN_HOUR, "stall_head": AN_HOUR,  # half of it, so long nothing, then the rest
    "previous": 0.0,  # the connection's answer before this one, again
    "extra": 0.0,  # the answer once more, unasked for, so long after it
    "early": 0.0,  # the answer goes out before the body is read
    "slow_read": 0.1, "stall_read": AN_HOUR,  # so long before each block of the body, or before the first
}  # fmt: skip
BEFORE_THE_BODY = ("early", "slow_read", "stall_read")
# Fault -> the answer that stands in for the right one; see answers.py.
ANSWERS = {
    "302": "302:html", "400": "400:issue", "400_list": "400:issues", "400_custom": "400:custom", "400_message": "400:message",
    "400_tools": "400:tools", "400_html": "400:html", "401": "401:json", "403": "403:json", "403_html": "403:html",
    "404": "404:json", "408": "408:html", "409": "409:taken", "413": "413:html", "415": "415:json", "422": "422:issue",
    "429": "429:json", "429_seconds": "429:seconds", "429_date": "429:date",
    "500": "500:html", "502": "502:html", "503": "503:html", "504": "504:html",
}  # fmt: skip


def catalogue() -> dict[str, Fault]:
    """Every fault that has a name, by that name."""
    faults = [
        *(Fault(name, Effect.ANSWER, answer=answer) for name, answer in ANSWERS.items()),
        *(
            Fault(f"{code}_stored", Effect.ANSWER, stored=True, answer=f"{code}:html")
            for code in ("408", "500", "502", "503", "504")
        ),
        Fault("answer", Effect.ANSWER),
        Fault("stored", Effect.ANSWER, stored=True),
        Fault("reset_unread", Effect.RESET, unread=True),
        Fault("reset", Effect.RESET),
        Fault("lost_answer", Effect.RESET, stored=True),
        Fault("close", Effect.CLOSE),
        Fault("close_stored", Effect.CLOSE, stored=True),
        Fault("timeout", Effect.CLOSE, seconds=AN_HOUR),
        Fault("timeout_stored", Effect.CLOSE, stored=True, seconds=AN_HOUR),
        Fault("slow", Effect.RIGHT, stored=True, seconds=2),
        Fault("stored_late", Effect.RIGHT, stored=True, seconds=2, delays_work=True),
        Fault("truncated", Effect.RIGHT, stored=True, travels=(Travel("half"),)),
        *(Fault(name, Effect.MANGLE, stored=True) for name in ("empty", "unreadable", "html", "no_id", "202")),
    ]
    return {fault.name: fault for fault in faults}


CATALOGUE = catalogue()
TOO_EARLY = replace(CATALOGUE["413"], name="early")  # what a server says that will not even read


def is_fault(written: str) -> bool:
    try:
        fault_named(written)
    except ValueError:
        return False
    return True


def fault_named(written: str | int) -> Fault:
    """A fault from its name: 503, "lost_answer", "slow:30", "103:0.3", "stored:403:html", "search_cap=10+drip".

    Raises:
        ValueError: there is no such fault, or not in that form.
    """
    rest, travels, switches, fault = str(written), list[Travel](), dict[str, Any](), None
    while rest:
        found = NAME.match(rest)
        name = found[0] if found else ""
        if name in TRAVELS or rest[len(name) :].startswith("="):
            part, _, rest = rest.partition("+")
            if name in TRAVELS:
                travels.append(_travel(part))
            else:
                switches |= _switch(part)
        else:
            fault, rest = _named(rest), ""
    if not travels and not switches and fault is None:
        raise ValueError(f"no such fault: {written!r}")
    return replace(_joined(fault, tuple(travels), switches), written=str(written))


def _joined(fault: Fault | None, travels: tuple[Travel, ...], switches: dict[str, Any]) -> Fault:
    early = any(each.name == "early" for each in travels)
    name = travels[0].name if travels else next(iter(switches), "")
    found = fault or (TOO_EARLY if early else Fault(name, Effect.RIGHT, stored=True))
    unread = found.unread or any(each.name in BEFORE_THE_BODY for each in travels)
    return replace(found, travels=(*found.travels, *travels), switches=switches, unread=unread)


def _named(written: str) -> Fault:
    name, _, more = written.partition(":")
    if name not in CATALOGUE:
        raise ValueError(f"no such fault: {name!r}; one of {', '.join((*TRAVELS, *CATALOGUE))}, or switch=value")
    fault = CATALOGUE[name]
    if fault.effect is Effect.ANSWER and not fault.answer:
        if not more[:3].isdigit() or more[3:4] not in {"", ":"}:
            raise ValueError(f"{written!r} is not like {name}:403:html")
        return replace(fault, answer=more)
    return replace(fault, seconds=float(more)) if more else fault


def _travel(written: str) -> Travel:
    name, *numbers = written.split(":")
    seconds = float(numbers[0]) if numbers else TRAVELS[name]
    return Travel(name, seconds, int(numbers[1]) if numbers[1:] else 1)


def _switch(written: str) -> dict[str, Any]:
    """One switch and its value; ValueError for what settings.py does not know."""
    name, _, value = written.partition("=")
    settings = changed(Settings(), {name: value})
    return {name: getattr(settings, NAMES[name].name)}
