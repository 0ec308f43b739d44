"""As many lanes as cores, each a process of its own that runs one schedule after the other."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

from local.torture.findings import CRASH, Finding
from local.torture.lane import Lane
from local.torture.opening import open_lane
from local.torture.run import Result, Run
from local.torture.schedule import Schedule
from local.torture.wires import WIRES
from local.world.aws import Aws

STOP_TIMEOUT_SECONDS = 40
UNKNOWN = "whatever a failure left behind"  # so that the next run builds its database anew
FORK = multiprocessing.get_context("fork")  # everything is imported once


class LaneDiedError(RuntimeError):
    """A lane could not start or go on; its own words are above."""


@contextmanager
def lanes(count: int, platform: str, aws: Aws) -> Iterator[list[Connection]]:
    """Start lanes; each takes a Schedule from its connection and answers with a Result. All are stopped on the way out."""
    started = [_start(rank, platform, aws) for rank in range(count)]
    try:
        yield [connection for _, connection in started]
    finally:
        for process, connection in started:
            connection.close()
            process.terminate()
        for process, _ in started:
            process.join(STOP_TIMEOUT_SECONDS)
            process.kill()


def results(connections: list[Connection], next_schedule: Callable[[], Schedule | None]) -> Iterator[Result]:
    """Hand out schedules until there are no more, and yield results as they come."""
    busy: list[Connection] = []

    def hand_out(connection: Connection) -> None:
        schedule = next_schedule()
        if schedule is not None:
            connection.send(schedule)
            busy.append(connection)

    for connection in connections:
        hand_out(connection)
    while busy:
        for ready in wait(busy):
            assert isinstance(ready, Connection)  # noqa: S101  it is one of ours
            busy.remove(ready)
            try:
                result: Result = ready.recv()
            except EOFError:
                raise LaneDiedError("a lane died") from None
            hand_out(ready)
            yield result


def _start(rank: int, platform: str, aws: Aws) -> tuple[ForkProcess, Connection]:
    ours, theirs = FORK.Pipe()
    process = FORK.Process(
        target=_serve, args=(f"torture-{os.getpid()}-{rank}", platform, aws, theirs, ours), daemon=False
    )
    process.start()
    theirs.close()
    return process, ours


def _serve(name: str, platform: str, aws: Aws, connection: Connection, parents: Connection) -> None:
    """A lane's life. SIGTERM ends it at any moment, through every clean-up; Ctrl-C is for the parent, who sends SIGTERM."""
    parents.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    with suppress(EOFError, SystemExit, BrokenPipeError), open_lane(name, WIRES[platform], aws) as lane:
        gc.freeze()
        while True:
            connection.send(attempt(lane, connection.recv()))


def attempt(lane: Lane, schedule: Schedule) -> Result:
    """Run a schedule; where the harness itself fails, that is the finding."""
    began = time.monotonic()
    try:
        return Run(lane, schedule).execute()
    except Exception:  # noqa: BLE001  reported as a finding, so that the other runs go on
        lane.mutant = UNKNOWN
        finding = Finding(CRASH, f"the harness failed:\n{traceback.format_exc()}")
        return Result(schedule, [finding], time.monotonic() - began, 0, 0, 0, 0.0)


def _leave(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(143)
