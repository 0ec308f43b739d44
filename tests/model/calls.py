"""Where a worker stops, and what it may meet there."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Call(StrEnum):
    """What a worker is about to do."""

    STATEMENT = "statement"
    TOKEN = "token"
    FETCH = "fetch of a document"
    DEPOSIT = "deposit"
    READ = "read of the platform"


class Fault(StrEnum):
    """What one call meets."""

    NONE = "none"
    LOST = "lost answer"  # carried out, or stored
    LATE = "stored late"  # and nobody heard
    DOWN = "503"  # not stored
    UNREACHABLE = "unreachable"
    BUSY = "429"
    REFUSED = "400"
    ACCOUNT = "403"
    BLIND = "shows nothing"
    MISSING = "no document yet"


Before = Callable[[Call], Fault]  # waits for the worker's turn; what the call meets

MEETS = {
    Call.STATEMENT: (*[Fault.NONE] * 60, Fault.UNREACHABLE, Fault.LOST),
    Call.TOKEN: (*[Fault.NONE] * 12, Fault.DOWN, Fault.ACCOUNT),
    Call.FETCH: (*[Fault.NONE] * 9, Fault.UNREACHABLE, Fault.MISSING, Fault.LOST),
    Call.DEPOSIT: (
        Fault.NONE, Fault.LOST, Fault.LOST, Fault.LATE, Fault.DOWN, Fault.UNREACHABLE, Fault.BUSY, Fault.REFUSED, Fault.ACCOUNT,
    ),
    Call.READ: (*[Fault.NONE] * 5, Fault.DOWN, Fault.UNREACHABLE, Fault.BUSY, Fault.ACCOUNT, Fault.BLIND),
}  # fmt: skip
OF_A_RUN = (Fault.LOST, Fault.LATE, *(fault for fault in Fault if fault is not Fault.MISSING))
