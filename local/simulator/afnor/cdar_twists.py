"""Lifecycle messages as a platform sends them: right, or as the switches want them."""

from __future__ import annotations

from dataclasses import replace

from local.simulator.afnor.cdar import ITS_OWN, Subject, code_of, subject_of, written
from local.simulator.core.clock import iso
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import Reason, Status
from local.simulator.core.oddities import ABSENT, dated, spelt
from local.simulator.core.settings import Settings

OTHER_SELLER = "999999998"
SPOILT = {
    "no_xml": b'{"status": "204"}',
    "html": b"<html><head><title>502 Bad Gateway</title><body>Bad Gateway</body>",
    "entities": b'<!DOCTYPE a [<!ENTITY b "204">]><a>&b;</a>',
    "deep": b"<a>" * 2000 + b"</a>" * 2000,
    "another_document": b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>F-1</ID></Invoice>',
}


def message(deposit: Deposit, status: Status, settings: Settings) -> bytes:
    twists = settings.cdar_twists
    spoilt = next((SPOILT[each] for each in twists if each in SPOILT), None)
    if spoilt is not None:
        return spoilt
    subject = twisted(subject_of(deposit.invoice, deposit.at), twists)
    first = [replace(subject, number=f"{subject.number}-FIRST")] if "several" in twists else []
    said = quoted(status, deposit.sent) if "statuses" in settings.quotes else status
    found = written(
        said,
        code_in(deposit, status, settings),
        deposit.invoice,
        [*first, subject],
        settings.cdar_zone,
        date_in(status, settings),
    )
    return found[: len(found) // 2] if "cut" in twists else found


def twisted(subject: Subject, twists: tuple[str, ...]) -> Subject:
    """Another invoice than the one that is meant, or less of it."""
    if "other_seller" in twists:
        subject = replace(subject, seller=OTHER_SELLER)
    if "unknown_invoice" in twists:
        subject = replace(subject, number=f"{subject.number}-UNKNOWN")
    if "other_year" in twists and subject.issued:
        subject = replace(subject, issued=f"{int(subject.issued[:4]) - 1}{subject.issued[4:]}")
    return replace(subject, number=None) if "no_number" in twists else subject


def code_in(deposit: Deposit, status: Status, settings: Settings) -> str:
    if "no_code" in settings.cdar_twists:
        return ""
    code = spelt(code_of(status), settings)
    return f"{code} {writable(deposit.sent)}" if "codes" in settings.quotes else code


def date_in(status: Status, settings: Settings) -> str | None:
    """ITS_OWN, another text, or None for no date at all."""
    if "no_date" in settings.cdar_twists:
        return None
    if "odd_date" in settings.cdar_twists:
        return "hier soir"
    dates = (dated(code, status.at, settings) for code in (status.code, code_of(status)))
    other = [each for each in dates if each != iso(status.at)]
    return ITS_OWN if not other else None if other[0] in {ABSENT, None} else str(other[0])


def quoted(status: Status, sent: str) -> Status:
    reason = status.reason or Reason("AUTRE", "")
    return replace(status, reason=replace(reason, message=writable(sent)))


def writable(sent: str) -> str:
    """XML takes no control characters."""
    return "".join(each if each.isprintable() else " " for each in sent)
