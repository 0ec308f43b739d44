"""Where the time goes: CPU of all threads together, or the clock of the thread that waits for the others."""

from __future__ import annotations

import cProfile
import io
import pstats
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

ONE_FOR_ALL = sys.version_info >= (3, 12)  # from then on a profiler sees every thread, and there is only one


@dataclass
class Profile:
    """What ran, function by function."""

    profilers: list[cProfile.Profile] = field(default_factory=list)

    def own_time(self, lines: int = 14) -> tuple[str, ...]:
        """The functions with the most time of their own."""
        return self._printed("tottime", lines)

    def steps(self, lines: int = 14) -> tuple[str, ...]:
        """Our own functions with the most time in them and what they call."""
        return self._printed("cumulative", "facteur", lines)

    def _printed(self, order: str, *restrictions: str | int) -> tuple[str, ...]:
        text = io.StringIO()
        stats = pstats.Stats(self.profilers[0], stream=text)
        for profiler in self.profilers[1:]:
            stats.add(profiler)
        stats.sort_stats(order).print_stats(*restrictions)
        lines = [line for line in text.getvalue().splitlines() if line.strip()]
        return tuple(_shortened(line) for line in lines if not line.strip().startswith(("List reduced", "Ordered by")))


@contextmanager
def cpu_profiled() -> Iterator[Profile]:
    """Profile this thread and those it starts, by the CPU time of each."""
    profile = Profile()

    def begin(*_: Any) -> None:
        profiler = cProfile.Profile(time.thread_time)
        profile.profilers.append(profiler)
        profiler.enable()

    if not ONE_FOR_ALL:
        threading.setprofile(begin)
    begin()
    try:
        yield profile
    finally:
        profile.profilers[0].disable()
        threading.setprofile(None)


@contextmanager
def clock_profiled() -> Iterator[Profile]:
    """Profile this thread by the clock: what it waits for counts."""
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        yield Profile([profiler])
    finally:
        profiler.disable()


def _shortened(line: str) -> str:
    for mark in ("/site-packages/", "/layers/core/python/", "/lib/python"):
        head, found, tail = line.partition(mark)
        if found:
            return f"{head[: head.rindex(' ') + 1]}{tail}"
    return line
