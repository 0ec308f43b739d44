"""What a worker process does: the real use cases with watched ports, one pass each time it is asked to."""

from __future__ import annotations

import dataclasses
import importlib
import json
import mmap
import os
import pkgutil
import random
import socket
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

import facteur
from facteur.aws import clients as aws
from facteur.errors import FacteurError
from facteur.observability import PowertoolsJournal
from facteur.poll_statuses.run import poll_statuses
from facteur.poll_statuses.wiring import poll_services
from facteur.relay_submissions.run import relay_submissions
from facteur.relay_submissions.wiring import relay_services
from facteur.submit_invoices.wiring import submit_services
from functions.submit_invoices.app import submission_id_in, submit
from local.torture.clock import Clock
from local.torture.points import Points, Watched, WatchedPlatforms, WatchedRelay, die_with_parent, watch_http

for module in pkgutil.walk_packages(facteur.__path__, "facteur."):
    importlib.import_module(module.name)  # a forked worker imports nothing any more

IDLE, WORKED, FAILED, CRASHED = b"i", b"w", b"f", b"x"
SLOT_BYTES = 1 << 15


class Slot:
    """The receipt handles that a worker holds, in memory that outlives it: its messages come back when it dies."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SLOT_BYTES)

    def hold(self, handles: list[str]) -> None:
        text = json.dumps(handles).encode()
        self._memory[4 : 4 + len(text)] = text
        self._memory[:4] = struct.pack("I", len(text))

    def handles(self) -> list[str]:
        (length,) = struct.unpack("I", self._memory[:4])
        return list(json.loads(self._memory[4 : 4 + length])) if length else []


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all workers of a run share."""

    environ: Mapping[str, str]
    queue_url: str
    platform_ports: frozenset[int]
    output: Path
    tokens: Path  # every token that was seen, to look for in the output
    clock: Clock
    points: Points
    request_kind: Callable[[str, str], str | None]
    mutate: Callable[[Worker], None] = lambda _worker: None


# Of a platform that lets nobody acknowledge: else a run where it stays so would never come to its next hour.
SAID_AT_EACH_LOOK = frozenset({"pull.blocked", "pull.unavailable", "acknowledgement.put_off"})


class TellingJournal(PowertoolsJournal):
    """The real journal, which also knows whether anything was reported: then something was done."""

    reported = 0

    def __init__(self, service: str, clock: Clock) -> None:
        super().__init__(service)
        self._clock = clock

    def flush(self) -> None:
        """Metrics are dated by the run's clock."""
        if self._metrics:
            self._metrics.set_timestamp(int((time.time() + self._clock.shift) * 1000))
        super().flush()

    def event(self, name: str, **fields: Any) -> None:
        self.reported += 1
        super().event(name, **fields)

    def warning(self, name: str, **fields: Any) -> None:
        self.reported += name not in SAID_AT_EACH_LOOK
        super().warning(name, **fields)


class Worker:
    """One process. A mutant may replace `wrap_store` and `early_delete` before it starts."""

    def __init__(self, role: str, place: Workplace, slot: Slot) -> None:
        self.role, self.place, self.slot = role, place, slot
        self.wrap_store: Callable[[Any], Any] = lambda store: store
        self.delete_early = False
        self.journal = TellingJournal(role, place.clock)

    def work(self) -> bool:
        """One pass, as one or several invocations; whether there was anything to do."""
        before = self.journal.reported
        worked = {"submit": self._submit, "relay": self._relay, "poll": self._poll}[self.role]()
        self.journal.flush()
        return worked or self.journal.reported > before

    def _submit(self) -> bool:
        worked = False
        client = aws.client("sqs")
        while messages := client.receive_message(
            QueueUrl=self.place.queue_url, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
        ).get("Messages"):
            worked = True
            self.slot.hold([message["ReceiptHandle"] for message in messages])
            self.place.points.reach("sqs.receive.after")
            if self.delete_early:
                self._delete(client, messages)
            services = submit_services(self.journal)
            came = {
                first: [submission_id_in(m["Body"]) for m in messages if _first(m) is first] for first in (True, False)
            }
            submit(came[True], came[False], self._watched(services), lambda: float("inf"))
            if not self.delete_early:
                self._delete(client, messages)
        return worked

    def _watched(self, services: Any) -> Any:
        points = self.place.points
        return dataclasses.replace(
            services,
            store=Watched(self.wrap_store(services.store), "store", points),
            documents=Watched(services.documents, "documents", points),
            platforms=WatchedPlatforms(services.platforms, points),
        )

    def _delete(self, client: Any, messages: list[Any]) -> None:
        for message in messages:
            self.place.points.reach("sqs.delete.before")
            with suppress(ClientError):  # delivered again meanwhile: the handle is not good any more
                client.delete_message(QueueUrl=self.place.queue_url, ReceiptHandle=message["ReceiptHandle"])
            self.place.points.reach("sqs.delete.after")
        self.slot.hold([])

    def _relay(self) -> bool:
        services: Any = relay_services(self.journal)
        points = self.place.points
        relay_submissions(
            dataclasses.replace(
                services,
                store=WatchedRelay(services.store, "relay", points),
                queue=Watched(services.queue, "queue", points),
                watch_seconds=0,
            )
        )
        return False

    def _poll(self) -> bool:
        services: Any = poll_services(self.journal)
        points = self.place.points
        store = Watched(services.store, "statuses", points)
        pulls, feeds = Watched(services.pulls, "pulls", points), Watched(services.feeds, "feeds", points)
        platforms = WatchedPlatforms(services.platforms, points)
        watched = dataclasses.replace(services, store=store, pulls=pulls, feeds=feeds, platforms=platforms)
        reads = poll_statuses(watched)
        return (
            reads > 0 and "feeds.take.before" not in points
        )  # a feed is read each time: only what it had to report is work


def _first(message: Any) -> bool:
    """Whether a message has not come before."""
    return bool(message["Attributes"]["ApproximateReceiveCount"] == "1")


def fork_worker(role: str, place: Workplace, slot: Slot) -> tuple[int, socket.socket]:
    """A worker, forked from this process with everything imported; it makes a pass for each byte sent to it."""
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    try:
        ours.close()
        die_with_parent()
        become(place)
        _serve(Worker(role, place, slot), theirs)
    except BaseException:  # noqa: BLE001  a forked child must never return into its parent's code
        traceback.print_exc()
    finally:
        os._exit(1)


def become(place: Workplace) -> None:
    """This process is a worker from now on: its output, its environment, its clock."""
    output = os.open(place.output, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115  the parent's may be a terminal's
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.update(place.environ)
    random.seed()
    warnings.filterwarnings("ignore", message=".*metric.*")  # an instant that CloudWatch would not take
    place.clock.install()
    tokens = place.tokens.open("a", buffering=1)

    def token_seen(token: str) -> None:
        if token:
            tokens.write(f"{token}\n")

    watch_http(place.points, place.request_kind, place.platform_ports, token_seen)


def _serve(worker: Worker, channel: socket.socket) -> None:
    worker.place.mutate(worker)  # a mutant that does not fit any more ends the process, and the run says so
    while channel.recv(1):
        try:
            said = WORKED if worker.work() else IDLE
        except FacteurError:
            traceback.print_exc()
            said = FAILED
        except Exception:  # noqa: BLE001  whatever escapes on no purpose is a finding of the run
            traceback.print_exc()
            said = CRASHED
        channel.send(said)
    os._exit(0)
