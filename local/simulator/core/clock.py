"""The simulator's time, and identifiers that sort by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID


@dataclass(slots=True)
class Clock:
    """Real time plus what was added by hand; it only goes forward."""

    source: Callable[[], float] = field(default=time.time)
    offset_seconds: float = 0.0

    def now(self) -> float:
        return self.source() + self.offset_seconds

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock only goes forward")
        self.offset_seconds += seconds


def iso(at: float) -> str:
    """UTC with milliseconds and Z, as Iopole writes dates."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def identifier(kind: str, at: float, rank: int, *salt: object) -> str:
    """An id in one of the ways that settings.py lists; the same salt gives the same id, but for those that are counted."""
    plain = uuid7(at, *salt)
    ways = {
        "counted": str(rank),
        "number": str(rank),
        "long": f"{plain}-{'0' * 300}-{rank}",
        "odd": f"ffffffff-ffff-7fff{plain[18:]}",  # of the year 10889
        "unprintable": f"id\r\n\x00\x1b[31m\u202e{plain[19:]}",
    }
    return ways.get(kind, plain)


def uuid7(at: float, *salt: object) -> str:
    """A version 7 UUID for an instant; the same instant and salt give the same UUID."""
    digest = int.from_bytes(sha256(repr(salt).encode()).digest()[:10], "big")
    value = (int(at * 1000) & (1 << 48) - 1) << 80 | digest
    value = value & ~(0xF << 76) | 0x7 << 76
    return str(UUID(int=value & ~(0x3 << 62) | 0x2 << 62))
