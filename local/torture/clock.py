"""A clock that leaps: one shift for the database, the workers' monotonic clocks, and the platform."""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Iterable

from facteur.postgres.database import Database
from local.simulator.core.control import Simulator

# Constant within a transaction, as now() is: the leap that was in force when the transaction began.
SCHEMA = """
create schema torture;
create table torture.leaps (since timestamptz primary key, shift interval not null);
grant usage on schema torture to public;
grant select on torture.leaps to public;
create or replace function facteur.now() returns timestamptz language sql stable parallel safe as
'select pg_catalog.now() + coalesce((select shift from torture.leaps where since <= pg_catalog.now() order by since desc limit 1), ''0'')'
"""
LEAP = "insert into torture.leaps values (clock_timestamp(), make_interval(secs => %(shift)s))"
real_monotonic = time.monotonic


class Clock:
    """The seconds by which the run is ahead of real time, in memory that forked workers share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.skew = 0.0  # of the database against everybody else
        self.leaps = 0

    @property
    def shift(self) -> float:
        return float(struct.unpack("d", self._memory[:8])[0])

    def now(self) -> float:
        """The run's time, as metrics are dated by it."""
        return time.time() + self.shift

    def reset(self) -> None:
        self._memory[:8] = struct.pack("d", 0.0)
        self.skew, self.leaps = 0.0, 0

    def leap(self, seconds: float, database: Database, simulators: Iterable[Simulator]) -> None:
        self._memory[:8] = struct.pack("d", self.shift + seconds)
        self.leaps += 1
        for simulator in simulators:
            simulator.advance(seconds)
        self.set_database(database)

    def set_database(self, database: Database) -> None:
        database.rows(LEAP, {"shift": self.shift + self.skew})

    def install(self) -> None:
        """In a worker: its monotonic clock shows the leaps, as it would show the hours it was stopped for."""
        time.monotonic = lambda: real_monotonic() + self.shift
