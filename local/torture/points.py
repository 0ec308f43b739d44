"""Where a worker can be struck: boundaries of the ports, of HTTP requests and of queue messages. Nothing of it ships."""

from __future__ import annotations

import fcntl
import mmap
import os
import signal
import struct
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# fmt: off
VERBS = {
    "store": (
        "read", "claim", "record", "record_unclaimed", "withdraw", "doubt", "taken_elsewhere", "begin_read", "read_answered",
        "begin_alone", "end_alone",
    ),
    "documents": ("fetch",),
    "platform": (
        "deposit", "shown", "probe", "obtain_token", "sha256_of", "history", "shown_between",
        "shown_under", "not_seen", "acknowledge",
    ),
    "sqs": ("delete",),
    "relay": ("take_notes", "end_expired_leases", "repeat_write_backs"),
    "queue": ("send",),
    "due": ("mark_queued", "commit"),
    "statuses": (
        "claim_status_updates", "record_status_update", "postpone_status_update", "take_history_permit",
        "claim_slice", "record_seen", "claim_histories", "release", "note_shown", "unread_verdicts", "sweep_by_number",
    ),
    "pulls": ("take_turn", "pulled_deposits", "keep_unmatched", "early_statuses", "end_turn", "note_blocked"),
}
# fmt: on
# Of a platform whose statuses come as a feed, and whose deposits bear a key of ours.
SWEEPING = ("record_seen", "release", "note_shown", "sweep_by_number")
FEED_VERBS = {
    **VERBS,
    "platform": (
        "deposit", "shown", "shown_alone", "answers_what_is_asked", "probe", "obtain_token", "sha256_of", "history", "feed",
    ),
    "statuses": tuple(verb for verb in VERBS["statuses"] if verb not in SWEEPING),
    "pulls": ("pulled_deposits", "early_statuses", "unseen"),
    "feeds": ("accounts", "take", "reached", "reset", "end", "want_history"),
}  # fmt: skip
REQUESTS = ("token", "deposit", "search", "files", "history", "not_seen", "mark_as_seen")
PHASES = ("before", "sent", "answered")
IN_A_BODY = "http.deposit.block"  # before each block of a document but the first
BLOCKS_BEFORE = 2  # the head of a request, and the first block
SIDES = ("before", "after")


def points_of(verbs: Mapping[str, Sequence[str]], requests: Sequence[str]) -> tuple[str, ...]:
    """The points of a platform's workers."""
    return (
        *(f"{port}.{verb}.{side}" for port, named in verbs.items() for verb in named for side in SIDES),
        *(f"http.{request}.{phase}" for request in requests for phase in PHASES),
        "due.pick.after",
        "sqs.receive.after",
        IN_A_BODY,
    )


POINTS = points_of(VERBS, REQUESTS)
KILL, STALL = "kill", "stall"
SIGNALS = {KILL: signal.SIGKILL, STALL: signal.SIGSTOP}


@dataclass(frozen=True, slots=True)
class Interrupt:
    """At the n-th time that any worker comes to a point, that worker is killed, or stalled for a long time."""

    action: str
    point: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.action}@{self.point}:{self.nth}"

    @classmethod
    def read(cls, text: str, points: Sequence[str] = POINTS) -> Interrupt:
        """The reverse of str(), where a platform has these points."""
        action, _, rest = text.partition("@")
        point, _, nth = rest.partition(":")
        if action not in SIGNALS or point not in points or not nth.isdigit():
            raise ValueError(f"{text!r} is not like kill@store.claim.after:2; points: {', '.join(points)}")
        return cls(action, point, int(nth))


class Points:
    """Counts, over all workers of a run, how often each point was come to; strikes where the plan says so."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._index = {name: 4 * rank for rank, name in enumerate(names)}
        self._counts = mmap.mmap(-1, 4 * len(names))
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  its lock, which a dying worker gives back, is all it is for
        self._threads = threading.Lock()
        self._plan: Sequence[Interrupt] = ()

    def begin(self, plan: Sequence[Interrupt]) -> None:
        """Before a run's workers are forked."""
        self._counts[:] = bytes(len(self._counts))
        self._plan = plan

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def count(self, name: str) -> int:
        at = self._index[name]
        return int(struct.unpack("I", self._counts[at : at + 4])[0])

    def reach(self, name: str) -> None:
        """A worker is at a point. The signal goes to the very thread, so that it does not take another step."""
        at = self._index[name]
        with self._threads, self._locked():
            times = self.count(name) + 1
            self._counts[at : at + 4] = struct.pack("I", times)
        for interrupt in self._plan:
            if (interrupt.point, interrupt.nth) == (name, times):
                signal.pthread_kill(threading.get_ident(), SIGNALS[interrupt.action])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


class Watched:
    """A port whose verbs come to a point, where the platform has it, before and after; everything else passes."""

    def __init__(self, port: Any, name: str, points: Points) -> None:
        self._port, self._name, self._points = port, name, points

    def __getattr__(self, verb: str) -> Any:
        attribute = getattr(self._port, verb)
        if f"{self._name}.{verb}.before" not in self._points:
            return attribute

        def call(*args: Any, **more: Any) -> Any:
            self._points.reach(f"{self._name}.{verb}.before")
            answer = attribute(*args, **more)
            self._points.reach(f"{self._name}.{verb}.after")
            return answer

        return call


class WatchedPlatforms:
    """The platform of each account, watched."""

    def __init__(self, platforms: Any, points: Points) -> None:
        self._platforms, self._points = platforms, points

    def of(self, account: str) -> Any:
        return Watched(self._platforms.of(account), "platform", self._points)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platforms, name)


class WatchedRelay(Watched):
    """The relay's store; its transaction over due rows is a port of its own."""

    @contextmanager
    def pick_due(self, limit: int) -> Iterator[Any]:
        with self._port.pick_due(limit) as due:
            self._points.reach("due.pick.after")
            yield Watched(due, "due", self._points)
            self._points.reach("due.commit.before")
        self._points.reach("due.commit.after")


def watch_http(
    points: Points,
    request_kind: Callable[[str, str], str | None],
    platform_ports: frozenset[int],
    token_seen: Callable[[str], None],
) -> None:
    """In a worker: urllib3's connections to the platform come to a point before, in, between and after body and answer."""
    from urllib3.connection import HTTPConnection

    send, receive, send_block = HTTPConnection.request, HTTPConnection.getresponse, HTTPConnection.send
    kinds: dict[int, str | None] = {}
    blocks: Counter[int] = Counter()

    def request(self: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        kind = request_kind(method, url) if self.port in platform_ports else None
        kinds[id(self)], blocks[id(self)] = kind, 0
        if kind is None:
            return send(self, method, url, *args, **more)
        token_seen(str((more.get("headers") or {}).get("Authorization", "")).rpartition(" ")[2])
        points.reach(f"http.{kind}.before")
        answer = send(self, method, url, *args, **more)
        points.reach(f"http.{kind}.sent")
        return answer

    def send_one(self: Any, data: Any) -> None:
        blocks[id(self)] += 1
        if kinds.get(id(self)) == "deposit" and blocks[id(self)] > BLOCKS_BEFORE:
            points.reach(IN_A_BODY)
        send_block(self, data)

    def getresponse(self: Any, *args: Any, **more: Any) -> Any:
        answer = receive(self, *args, **more)
        if kind := kinds.get(id(self)):
            points.reach(f"http.{kind}.answered")
        return answer

    HTTPConnection.request, HTTPConnection.getresponse = request, getresponse  # type: ignore[method-assign]
    HTTPConnection.send = send_one  # type: ignore[method-assign]


def die_with_parent() -> None:
    """On Linux, a worker does not outlive the process that forked it."""
    import ctypes

    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(1, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)
