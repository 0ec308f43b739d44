"""What a person does: who, why, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, beside the name that a person gives.

    Args:
        identity: as whom AWS knows the terminal's credentials: what the command says, a claim.
        request_id: of the invocation; under it CloudTrail's data event names who invoked the function.
    """

    identity: str | None = None
    request_id: str | None = None


UNKNOWN = Caller()


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `dry_run`: everything is done and rolled back, so that what would happen is said."""

    operation: str
    who: str
    why: str
    dry_run: bool
    caller: Caller = UNKNOWN


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did, or would have done. `was` is the submission's state before."""

    operation: str
    summary: str
    dry_run: bool
    account: str | None = None
    invoice_id: str | None = None
    invoice_number: str | None = None
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Repinned:
    """What an account was pinned to, and what its secret names now (None: it could not be read from here)."""

    account: str
    was: Mapping[str, str]
    secret_names: Mapping[str, str] | None
    secret_problem: str | None
    open_doubts: tuple[str, ...]
    dry_run: bool
