"""The workers of a run, as their conductor sees them: sent to work, waited for, dead, stalled, replaced."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from local.torture.worker import CRASHED, FAILED, WORKED, Slot, Workplace, fork_worker

ROLES = ("submit", "submit", "relay", "poll")
SECOND_ROLES = ("submit", "relay", "poll")  # of a second stack
PASS_TIMEOUT_SECONDS = 30.0
LOOK_SECONDS = 0.005  # between looks for a stopped process, which announces itself by nothing else


@dataclass(slots=True)
class Member:
    """A worker process. `stalled_at` is the clock's shift when it stopped."""

    role: str
    pid: int
    channel: socket.socket
    slot: Slot
    place: Workplace
    busy: bool = False
    stalled_at: float | None = None
    dead: bool = False


@dataclass(slots=True)
class Pass:
    """What came of sending workers to work."""

    worked: bool = False
    failures: int = 0
    crashes: int = 0
    hung: int = 0
    struck: list[Member] = field(default_factory=list)  # died, or stalled


class Crew:
    """Two submitters, a relay, a poller; the dead and the stalled are replaced before the next pass."""

    def __init__(self, places: Sequence[Workplace]) -> None:
        self._places = places
        self.members: list[Member] = []
        self._forked: list[Member] = []
        self._killed: list[Member] = []

    def start(self, roles: Iterable[str]) -> None:
        """Send workers of these roles to work; a role may be named twice."""
        self._hire()
        roles = list(roles)
        wanted = {place.queue_url: list(roles) for place in self._places}
        for member in self.members:
            if member.role in wanted[member.place.queue_url] and not member.busy:
                wanted[member.place.queue_url].remove(member.role)
                member.busy = True
                member.channel.send(b"g")

    def resume(self, member: Member) -> None:
        """A stalled worker goes on where it stood."""
        member.stalled_at, member.busy = None, True
        self.members.append(member)
        os.kill(member.pid, signal.SIGCONT)

    def kill(self, member: Member) -> None:
        """From outside, wherever it is, also if it has just answered."""
        os.kill(member.pid, signal.SIGKILL)
        os.waitpid(member.pid, 0)
        member.busy, member.dead = False, True
        self.members.remove(member)
        self._killed.append(member)

    def finish(self) -> Pass:
        """Wait until every busy worker has answered, died, or stalled."""
        result = Pass(bool(self._killed), struck=list(self._killed))
        self._killed.clear()
        deadline = time.monotonic() + PASS_TIMEOUT_SECONDS
        while busy := [member for member in self.members if member.busy]:
            ready, _, _ = select.select([member.channel for member in busy], [], [], LOOK_SECONDS)
            for member in busy:
                if member.channel in ready:
                    self._hear(member, result)
                if member.busy:
                    self._look(member, result)
            if time.monotonic() > deadline:
                self._give_up(result)
        return result

    def close(self) -> None:
        """Kill whoever is left, by process id."""
        for member in self._forked:
            if not member.dead:
                os.kill(member.pid, signal.SIGKILL)
                os.waitpid(member.pid, 0)
            member.channel.close()
        self.members.clear()
        self._forked.clear()

    def _hire(self) -> None:
        for place, roles in zip(self._places, (ROLES, SECOND_ROLES), strict=False):
            there = [member.role for member in self.members if member.place is place]
            for role in dict.fromkeys(roles):
                for _ in range(roles.count(role) - there.count(role)):
                    slot = Slot()
                    pid, channel = fork_worker(role, place, slot)
                    self.members.append(Member(role, pid, channel, slot, place))
                    self._forked.append(self.members[-1])

    def _hear(self, member: Member, result: Pass) -> None:
        try:
            said = member.channel.recv(1)
        except ConnectionError:
            said = b""
        if not said:
            return  # it died; _look will see
        member.busy = False
        result.worked |= said in {WORKED, CRASHED}  # a failed pass is tried again; meanwhile time may pass
        result.failures += said == FAILED
        result.crashes += said == CRASHED
        if said in {FAILED, CRASHED}:
            result.struck.append(member)

    def _look(self, member: Member, result: Pass) -> None:
        pid, status = os.waitpid(member.pid, os.WNOHANG | os.WUNTRACED)
        if not pid:
            return
        member.busy, result.worked = False, True
        self.members.remove(member)
        result.struck.append(member)
        if os.WIFSTOPPED(status):
            member.stalled_at = self._places[0].clock.shift
        else:
            member.dead = True

    def _give_up(self, result: Pass) -> None:
        for member in [each for each in self.members if each.busy]:
            result.hung += 1
            self.kill(member)
        result.struck += self._killed
        self._killed.clear()
