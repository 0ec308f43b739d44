"""What a person does: who, why, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facteur.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `dry_run`: everything is done and rolled back, so that what would happen is told."""

    operation: str
    who: str
    why: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did, or would have done. `was` is the submission's state before."""

    operation: str
    told: str
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


def act(operation: str, who: str, why: str, dry_run: bool) -> Act:
    """Raises OperatorError where nobody answers for it."""
    if not who.strip() or not why.strip():
        raise OperatorError(f"{operation} is recorded: say who and why")
    return Act(operation, who.strip(), why.strip(), dry_run)
