"""What a platform says of a file, which is not what it says of the invoice in it: acknowledgements, worked out when it is stored."""

from __future__ import annotations

from dataclasses import dataclass

from local.simulator.core.lifecycle import Fate, Verdict
from local.simulator.core.settings import Settings

CHECKSUM, REPEATED = "CHECKSUM", "REPEATED"  # reasons of a verdict that only this wire gives
THERE_ALREADY = ("AlreadyExistingFlow", "The flow has already been sent and received")
# The reason of a verdict -> the norm's word.
REASONS = {
    "EMPTY_FILE": "EmptyFlow", "UNKNOWN_INVOICE_FORMAT": "FlowTypeError", "UNKNOWN_INVOICE_FLAVOR": "FlowTypeError",
    "SYNTAX_ERROR": "InvalidSchema", CHECKSUM: "ChecksumMismatch", REPEATED: THERE_ALREADY[0],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`at`: when it is no longer Pending; None: never. `silent`: it is all that is said, no lifecycle message follows."""

    at: float | None
    status: str = "Ok"
    reason: tuple[str, str] | None = None
    silent: bool = False

    def shown(self, now: float) -> dict[str, object]:
        if not self.due(now):
            return {"status": "Pending"}
        if self.reason is None:
            return {"status": self.status}
        code, message = self.reason
        return {
            "status": self.status,
            "details": [{"level": "Error", "item": "flow", "reasonCode": code, "reasonMessage": message}],
        }

    def due(self, now: float) -> bool:
        return self.at is not None and self.at <= now


def planned(at: float, fate: Fate, settings: Settings) -> Acknowledgement:
    """The acknowledgement of a file that was stored at an instant."""
    if settings.acks == "pending":
        return Acknowledgement(None)
    checked_at = at + settings.delay_submitted / settings.speed
    if settings.acks == "duplicate":
        return Acknowledgement(checked_at, "Error", THERE_ALREADY)
    reason, silent = refusal(fate, settings)
    return Acknowledgement(checked_at, "Error" if reason else "Ok", reason, silent)


def refusal(fate: Fate, settings: Settings) -> tuple[tuple[str, str] | None, bool]:
    """Why a file is not good, if it is the file; and whether nothing else is said."""
    message = fate.reason.message if fate.reason else ""
    if fate.verdict is Verdict.UNREADABLE:
        return (REASONS.get(fate.reason.code if fate.reason else "", "OtherTechnicalError"), message), True
    if fate.verdict is Verdict.DUPLICATE and settings.duplicate_shown != "lifecycle":
        return THERE_ALREADY, settings.duplicate_shown == "ack"
    if fate.verdict is Verdict.VIOLATION and settings.violations == "ack":
        return ("InvalidSchema", message), True
    return None, False
