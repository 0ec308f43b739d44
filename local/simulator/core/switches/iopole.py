"""What only Iopole's wire reads."""

from __future__ import annotations

from dataclasses import dataclass

from local.simulator.core.switches.switch import STATUS_IDS, switch


@dataclass(frozen=True)
class IopoleSwitches:
    """What Iopole has not published is a switch here; its default is the likelier or the stricter reading."""

    customer_id: str = switch("0198c0de-0000-7000-8000-000000000001", "customer id of the first account")
    mode: str = switch("PULL", "PUSH: a webhook exists, so notSeen stays empty", "PULL", "PUSH")
    customer_id_check: str = switch(
        "if_given",
        "the customer-id header: right if it is there; there and right; there; anything",
        *("if_given", "match", "required", "off"),
    )
    customer_id_code: int = switch(403, "HTTP code for a missing or foreign customer-id")
    search_order: str = switch("newest", "which come first in search results", "newest", "oldest")
    search_fields: str = switch("both", "how search fields may be written", "both", "prefixed", "bare")
    search_dates: bool = switch(True, "allow createdDate in searches")
    search_states: bool = switch(True, "allow state and direction in searches")
    search_strangers: tuple[str, ...] = switch(
        (),
        "what else every search by number finds ('on': the first three): any of",
        "seller",
        "year",
        "inbound",
        "amount",
        "same",
        "number",
    )
    search_loose: bool = switch(False, "a number also finds the numbers that begin with it")
    search_omits: tuple[str, ...] = switch(
        (),
        "what results lack though it was asked for: any of",
        "businessData",
        "lastStatusData",
        "seller",
        "monetary",
        "amount",
        "currency",
        "number",
        "invoiceId",
        "direction",
        "state",
        "createDate",
        "metadata",
    )
    search_terms: int = switch(0, "how many alternatives of a query are looked at, the first ones; 0: all")
    search_endless: bool = switch(False, "a page past the end shows the last one again")
    search_cache: str = switch(
        "off", "a search gets the answer of the first, or of the one before", "off", "first", "previous"
    )
    create_date_key: str = switch("createDate", "name of the creation date in search results", "createDate", "date")
    history_quota: int = switch(30, "status-history calls a minute and account before 429; 0: no limit")
    history_block: float = switch(60.0, "seconds that status-history stays blocked once the quota is exceeded")
    history_unknown: int = switch(200, "HTTP code for the history of an unknown id (200 answers [])")
    history_young: int = switch(200, "HTTP code for a history that is still empty (200 answers [])")
    history_shape: str = switch("array", "bare array, or {data: [...]}", "array", "data")
    history_refused: str = switch(
        "shown", "the history of what was refused: there, empty for ever, or 500", "shown", "empty", "500"
    )
    history_twists: tuple[str, ...] = switch(
        (), "how histories are shown: any of", "reversed", "shuffled", "duplicated", "nulls"
    )
    status_ids: str = switch("uuid7", "ids of new statuses; counted: 1, 2, 3 for each deposit", *STATUS_IDS)
    status_omits: tuple[str, ...] = switch(
        (), "what statuses lack: any of", "statusId", "invoiceId", "date", "destType", "status", "json", "xml"
    )
    not_seen_shape: str = switch("newstatus", "key of the updates in notSeen", "newstatus", "newStatus", "flat")
    not_seen_limit: int = switch(100, "most updates that one notSeen call returns")
    not_seen_noise: int = switch(0, "so many statuses without an id stand before the others in notSeen, for ever")
    acks_refused: float = switch(0.0, "share of the statuses whose markAsSeen is 500 for ever")
    acks_forgotten: float = switch(0.0, "share of the statuses that stay unseen although markAsSeen answers 204")
    send_status_code: int = switch(201, "HTTP code of an accepted POST status (204: no body)")
