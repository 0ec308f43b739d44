"""Flows in our words. Every field may be absent or of another shape than the norm says, and words spelled in another case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from facteur.domain.doubt import Candidate
from facteur.domain.lifecycle import GOOD_FILE, label_of, says_duplicate
from facteur.domain.status_updates import FeedEntry, InvoiceName, Sighting
from facteur.domain.submission import StatusEvent
from facteur.platforms import foreign
from facteur.platforms.afnor.cdar import InvoiceStatus, Message, Party, Reason
from facteur.platforms.foreign import entries, fields

REJECTED = "213"
LIFE_CYCLE = "lc"  # flow types that end so are lifecycle messages
CDAR = "cdar"
OK, ERROR = "ok", "error"
MOST_REASONS = 5
MOST_AMOUNTS = 20  # a payment has one for each VAT rate, and France has ten
SAID_BY = {"SE": "SELLER", "BY": "BUYER", "WK": "PLATFORM", "DFH": "PPF"}


@dataclass(frozen=True, slots=True)
class Flow:
    """A file that the platform has. `flow_id` and `key` None: not shown. `acknowledged`: ok, error, another word; None: it says nothing."""

    flow_id: str | None
    key: str | None
    name: str | None
    kind: str
    syntax: str
    submitted_at: datetime | None
    updated_at: datetime | None
    acknowledged: str | None
    reasons: tuple[tuple[str | None, str | None], ...]

    @property
    def is_message(self) -> bool:
        """Whether its file is a lifecycle message."""
        return self.syntax == CDAR or self.kind.endswith(LIFE_CYCLE)

    @property
    def is_refused(self) -> bool:
        """Whether the platform did not take its file: also for a duplicate, which says that another one is there."""
        return self.acknowledged == ERROR


def flow_in(value: Any) -> Flow:
    found = fields(value)
    acknowledgement = fields(found.get("acknowledgement"))
    return Flow(
        foreign.identifier(found.get("flowId")), foreign.identifier(found.get("trackingId")), foreign.word(found.get("name")),
        _lower(found.get("flowType")), _lower(found.get("flowSyntax")),
        foreign.moment(found.get("submittedAt")), foreign.moment(found.get("updatedAt")),
        _lower(acknowledgement.get("status")) or None, _reasons(acknowledgement),
    )  # fmt: skip


def candidate(flow: Flow) -> Candidate:
    return Candidate(flow.flow_id or "", flow.submitted_at, flow.is_refused, None, None, own_key=flow.key)


def sighting(flow: Flow) -> Sighting | None:
    """A file as the search shows it, which says neither number nor life cycle; None where it does not say which one it is."""
    if flow.flow_id is None:
        return None
    code, name = REJECTED if flow.is_refused else None, stem_of(flow.name) if flow.name else None
    return Sighting(
        flow.flow_id, code, flow.updated_at, None, flow.submitted_at, refused=flow.is_refused, of_file=True, own_key=flow.key,
        file_name=name,
    )  # fmt: skip


def stem_of(name: str) -> str:
    """A file's name without its ending."""
    return name.rpartition(".")[0] or name


def acknowledgement_of(flow: Flow) -> StatusEvent | None:
    """What the platform says of a file: a step where it is good, a rejection where it is not; None while it says neither."""
    if flow.flow_id is None or flow.acknowledged not in {OK, ERROR}:
        return None
    good = flow.acknowledged == OK
    code = GOOD_FILE if good else REJECTED
    reason, words = (None, None) if good else _said(flow.reasons)
    return StatusEvent(
        status_id=f"acknowledgement {flow.flow_id}", platform_id=flow.flow_id, code=code,
        platform_code=f"acknowledgement {flow.acknowledged}",
        network_code=None, label=label_of(code), occurred_at=flow.updated_at, caused_by="PLATFORM", audience=None,
        reason=reason, message=words, raw={"flowId": flow.flow_id, "reasons": [each for each, _ in flow.reasons if each]},
    )  # fmt: skip


def entries_of(flow: Flow, message: Message) -> list[FeedEntry]:
    """What a lifecycle message says, of however many invoices; of one that it does not name nobody can say whose it is."""
    return [
        FeedEntry(None, flow.submitted_at, _status(flow, message, each), named)
        for each in message.statuses
        if each.code and (named := _named(each))
    ]


def _named(status: InvoiceStatus) -> InvoiceName | None:
    if status.invoice_number is None or status.seller_siren is None:
        return None
    return InvoiceName(status.invoice_number, status.seller_siren, status.issue_year)


def _status(flow: Flow, message: Message, status: InvoiceStatus) -> StatusEvent:
    """By the flow's id, so that whoever reads it again adds nothing. Whose deposit it is, the platform does not say."""
    code = status.code or ""
    reason, words = _said([(each.code, _words(each)) for each in status.reasons])
    return StatusEvent(
        status_id=flow.flow_id or "", platform_id="", code=code, platform_code=code, network_code=status.network_code,
        label=label_of(code), occurred_at=status.occurred_at or flow.submitted_at, date_given=status.date_given,
        caused_by=_by(message.issuer), audience=None, reason=reason, message=words,
        raw={
            "flowId": flow.flow_id, "messageId": message.message_id, "number": status.invoice_number, "seller": status.seller_siren,
            "issuer": message.issuer.name, "reasons": [each.code for each in status.reasons], "amounts": _amounts(status),
        },
    )  # fmt: skip


def _amounts(status: InvoiceStatus) -> list[dict[str, str | None]]:
    shown = [each for reason in status.reasons for each in reason.characteristics if each.amount is not None]
    return [
        {"kind": each.kind, "amount": str(each.amount), "currency": each.currency,
         "percent": None if each.percent is None else str(each.percent), "day": each.day.isoformat() if each.day else None}
        for each in shown[:MOST_AMOUNTS]
    ]  # fmt: skip


def _words(reason: Reason) -> str | None:
    return foreign.joined(" – ", (reason.text, reason.comment))


def _by(issuer: Party) -> str | None:
    return SAID_BY.get(issuer.role or "", issuer.role)


def _reasons(acknowledgement: dict[str, Any]) -> tuple[tuple[str | None, str | None], ...]:
    """Code and words of its errors; of all details where none is called an error."""
    details = [fields(each) for each in entries(acknowledgement.get("details"), MOST_REASONS)]
    errors = [each for each in details if _lower(each.get("level")) == ERROR] or details
    return tuple((foreign.code(each.get("reasonCode")), foreign.word(each.get("reasonMessage"))) for each in errors)


def _said(reasons: Sequence[tuple[str | None, str | None]]) -> tuple[str | None, str | None]:
    """Of several codes the one that calls it a duplicate, for that may be no refusal of the invoice; and all words."""
    codes: Iterable[str] = [code for code, _ in reasons if code]
    named = list(codes)
    return next((each for each in named if says_duplicate(each)), named[0] if named else None), foreign.joined(
        " – ", (words for _, words in reasons)
    )


def _lower(value: Any) -> str:
    return (foreign.code(value) or "").casefold()
