"""What an examination says: one finding a check, in order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check came out. SKIPPED: it could not be made, and `what` says why."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found, and the next step where there is one."""

    outcome: Outcome
    what: str
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one check; `account` where it is about one."""

    check: str
    account: str | None
    outcome: Outcome
    what: str
    help: str | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        return any(each.outcome is Outcome.FAILED for each in self.findings)


def ok(what: str) -> Verdict:
    return Verdict(Outcome.OK, what)


def warning(what: str, next_step: str) -> Verdict:
    return Verdict(Outcome.WARNING, what, next_step)


def failed(what: str, next_step: str) -> Verdict:
    return Verdict(Outcome.FAILED, what, next_step)


def skipped(why: str, next_step: str | None = None) -> Verdict:
    return Verdict(Outcome.SKIPPED, why, next_step)
