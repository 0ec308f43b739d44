"""What only the wire of SUPER PDP's own API reads."""

from __future__ import annotations

from dataclasses import dataclass

from local.simulator.core.switches.switch import switch


@dataclass(frozen=True)
class SuperPdpSwitches:
    """What nobody has published is a switch; the default is what was seen live, or the likelier reading."""

    first_id: int = switch(0, "number of the first deposit; 0: ids are no numbers")
    company_number: str = switch("130000011", "number of the first account's company; empty: it may be any seller's")
    company_verification: str = switch(
        "verified",
        "company_verification_status; unless verified, every other call is 403",
        *("verified", "needs_review", "failed"),
    )
    structure_check: str = switch(
        "readable",
        "what a document must be, or it is 400 at once: readable, or conforming to its XSD",
        *("readable", "schema"),
    )
    duplicates: str = switch(
        "content",
        "which second deposit is 400 at once: the same bytes; the same number, seller and year; none",
        *("content", "number", "none"),
    )
    external_id_twice: str = switch(
        "accepted", "a second deposit of other content with an external_id that was given before", "accepted", "refused"
    )
    external_id_shown: str = switch(
        "right",
        "how invoices that are read show the external_id",
        *("right", "absent", "null", "empty", "upper", "lower", "truncated", "spaces"),
    )
    list_order: str = switch("asked", "the order of lists: as asked for, or always one", "asked", "asc", "desc")
    list_omits: tuple[str, ...] = switch(
        (),
        "what invoices lack where they are read: any of",
        *("id", "company_id", "created_at", "direction", "events", "en_invoice"),
    )
    has_more: str = switch("right", "what has_before and has_after say", "right", "never", "always", "absent", "text")
    cursor: str = switch(
        "right",
        "what starting_after_id and ending_before_id do: what they say; 400; nothing; its own id comes too",
        *("right", "refused", "ignored", "inclusive"),
    )
    unknown_id: int = switch(404, "HTTP code for the id of an invoice that is not there, or not yours")
    events_gone: int = switch(0, "so many of the oldest events are deleted, and so is what a cursor points at there")
    events_late: float = switch(0.0, "share of the events that show late, when higher ids have been shown before")
    events_late_seconds: float = switch(30.0, "how late")
    events_strange: int = switch(0, "after each event so many more, of invoices that nobody knows")
    events_order: str = switch("right", "the order of events in a page", "right", "reversed", "shuffled")
    event_ids: str = switch(
        "right", "ids of events: right; each for two; as text; all 1", "right", "twice", "text", "constant"
    )
    event_omits: tuple[str, ...] = switch(
        (),
        "what events lack: any of",
        *("id", "invoice_id", "status_code", "created_at", "status_text", "data"),
    )
    ppf_events: bool = switch(True, "events of the administration's leg (ppf:received, ppf:accepted)")
    ppf_delay: float = switch(1.0, "seconds from fr:200 to each of them, divided by speed")
