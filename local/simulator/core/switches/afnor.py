"""What the wire of AFNOR XP Z12-013 reads besides the common switches."""

from __future__ import annotations

from dataclasses import dataclass

from local.simulator.core.switches.switch import switch

CRITERIA = ("trackingId", "updatedAfter", "updatedBefore", "flowType", "flowDirection", "processingRule", "ackStatus")
CDAR_TWISTS = (
    "no_xml", "html", "cut", "entities", "deep", "another_document", "other_seller", "unknown_invoice", "other_year", "no_date",
    "odd_date", "no_number", "no_code", "several",
)  # fmt: skip


@dataclass(frozen=True)
class AfnorSwitches:
    """What the norm leaves open, and what a platform may get wrong."""

    afnor_version: str = switch("1.2", "which version it speaks; may change while it runs", "1.2", "1.3")
    processing_rule: str = switch("accepted", "what becomes of a processingRule in flowInfo", "accepted", "501")
    known_flow_types: tuple[str, ...] = switch(
        (), "the only flow types that a search may name; none: those of the version"
    )
    unknown_flow_types: str = switch("400", "what a search for another flow type answers", "400", "ignored")
    organization_check: str = switch(
        "if_given",
        "the header Organization-Id: right if it is there; there and right; anything",
        "if_given",
        "required",
        "off",
    )
    accept: str = switch(
        "usual",
        "the header Accept of a download: must allow what is asked for; must name it; anything",
        "usual",
        "strict",
        "off",
    )
    checksum_mismatch: str = switch(
        "ack", "a sha256 that is not the file's: an acknowledgement Error, or 400", "ack", "400"
    )
    tracking_repeated: str = switch(
        "accepted",
        "a trackingId that a flow has already: another flow; 422; an acknowledgement Error",
        "accepted",
        "422",
        "ack",
    )
    duplicate_shown: str = switch(
        "ack", "an invoice that is there already: an acknowledgement Error, a 213, both", "ack", "lifecycle", "both"
    )
    violations: str = switch(
        "lifecycle", "a document that breaks its schema: a 213, an acknowledgement Error", "lifecycle", "ack"
    )
    acks: str = switch(
        "right", "acknowledgements of new flows: as they should be; Pending for ever; Error, as if it were there already",
        "right", "pending", "duplicate",
    )  # fmt: skip
    flow_dates: str = switch("seconds", "how exact submittedAt and updatedAt are", "seconds", "millis", "minutes")
    dates_compared: str = switch(
        "shown", "updatedAt as a search compares it: as it is shown; more exactly", "shown", "exactly"
    )
    flow_order: str = switch("oldest", "which come first in a search, by updatedAt", "oldest", "newest", "shuffled")
    tracking_shown: str = switch(
        "right", "the trackingId as it is shown", "right", "absent", "null", "lower", "upper", "cut"
    )
    search_ignores: tuple[str, ...] = switch((), "criteria that a search takes no notice of: any of", *CRITERIA)
    total_in_limit: bool = switch(False, "limit in an answer says how many there are, not how many were asked for")
    cursors: str = switch(
        "right", "nextCursor (1.3): as it should be; refused; goes back; stands still; never there",
        "right", "refused", "back", "stuck", "absent",
    )  # fmt: skip
    originals: str = switch(
        "right",
        "what docType=Original gives: the bytes; other bytes; a page; 404",
        "right",
        "converted",
        "page",
        "absent",
    )
    cdar_twists: tuple[str, ...] = switch((), "what is wrong with each lifecycle message: any of", *CDAR_TWISTS)
    cdar_zone: str = switch("paris", "whose clocks the dates in lifecycle messages are by", "paris", "utc")
    directory_empty: int = switch(204, "HTTP code for a search of the directory that finds nothing")
