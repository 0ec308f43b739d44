"""A person at work in the middle of a run: what `facteur retry`, `adopt`, … do, in a process of its own."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Mapping
from random import Random
from typing import Any

from facteur.errors import DatabaseUnavailableError
from facteur.operate.dispatch import operate
from facteur.operate.wiring import operate_services
from local.torture.lane import Lane
from local.torture.worker import Workplace, become

PATIENCE_SECONDS = 25.0
SIGNED = {"who": "torture", "why": "a person tries"}
DONE, CRASHED = 0, 3
ABOUT_INVOICES = ("retry", "reject", "adopt")
NOBODYS = "0198c0de-0000-7000-8000-00000000dead"  # an id of no deposit
SOON = (
    "select to_char((facteur.now() + interval '1 minute') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS+00:00') as at"
)


def acts(lane: Lane, place: Workplace, key: int, operation: str, arguments: Mapping[str, Any], dice: Random) -> bool:
    """Somebody does something to an invoice or an account; whether the program kept its promise. Invoices have no keys in a schedule."""
    entry, given = lane.company.entries[key], dict(arguments)
    if operation in ABOUT_INVOICES:
        given["what"] = f"id:{key}"
        entry.resubmitted = True
        entry.decided |= operation == "reject"
    if operation == "adopt":
        own = given.pop("own")
        known = [each["id"] for each in lane.ledger() if (each["sha256"] in entry.documents) == own]
        given["platform_id"] = str(dice.choice(known)) if known else NOBODYS
    if operation == "route":
        given["since"] = lane.database.row(SOON).at
    return act(place, operation, given)


def act(place: Workplace, operation: str, arguments: Mapping[str, Any]) -> bool:
    """Let a person do something; it may be refused. Returns whether the program itself kept its promise.

    It passes the points of the workers, and a strike that waits at one of them may be his: killed, it has not crashed.
    """
    pid = os.fork()
    if not pid:
        try:
            become(place)
            operate({"operation": operation, "arguments": {**arguments, **SIGNED}}, operate_services())
            os._exit(DONE)
        except DatabaseUnavailableError:
            os._exit(DONE)  # its connection was cut: the command says so in a sentence
        except BaseException:  # noqa: BLE001  a forked child must never return into its parent's code
            traceback.print_exc()
        finally:
            os._exit(CRASHED)
    return _waited(pid) in {DONE, -signal.SIGKILL}


def _waited(pid: int) -> int:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return CRASHED
