"""Every switch of the simulator with its default; command line, admin API and docs follow this list."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


def switch(default: T, meaning: str, *choices: str) -> T:
    """A dataclass field that carries its own help text and, where only some words are allowed, those words."""
    value: T = field(default=default, metadata={"help": meaning, "choices": choices})
    return value


ODD_IDS = ("uuid7", "counted", "long", "odd", "unprintable")
DEPOSIT_IDS, STATUS_IDS = (*ODD_IDS, "number", "previous"), (*ODD_IDS, "constant")
USUAL_STRANGERS = ("seller", "year", "inbound")


@dataclass(frozen=True, slots=True)
class Settings:
    """What Iopole has not published is a switch here; its default is the likelier or the stricter reading."""

    client_id: str = switch("demo@facteur.example", "client id of the first account (Iopole: an e-mail address)")
    client_secret: str = switch("simulator", "client secret of the first account")
    customer_id: str = switch("0198c0de-0000-7000-8000-000000000001", "customer id of the first account")
    mode: str = switch("PULL", "PUSH: a webhook exists, so notSeen stays empty", "PULL", "PUSH")
    sandbox: bool = switch(True, "statuses carry testIndicator")
    token_seconds: int = switch(1740, "life of a token in seconds")
    customer_id_check: str = switch(
        "if_given",
        "the customer-id header: right if it is there; there and right; there; anything",
        *("if_given", "match", "required", "off"),
    )
    customer_id_code: int = switch(403, "HTTP code for a missing or foreign customer-id")

    speed: float = switch(1.0, "how much faster the life cycle runs: all delay_* are divided by it")
    delay_submitted: float = switch(0.4, "seconds from the deposit to SUBMITTED, and to a refusal by the platform")
    delay_issued: float = switch(0.5, "seconds to ISSUED")
    delay_received: float = switch(0.55, "seconds to RECEIVED")
    delay_available: float = switch(0.6, "seconds to MADE_AVAILABLE")
    delay_in_hand: float = switch(30.0, "seconds to IN_HAND")
    delay_decision: float = switch(60.0, "seconds to the buyer's decision, or to the refusal by the buyer's platform")
    delay_payment: float = switch(90.0, "seconds to PAYMENT_SENT")

    validate_schema: bool = switch(True, "check documents against their XSD (off for load tests)")
    open_directory: bool = switch(False, "treat every unknown buyer as a silent company (203)")
    known_sellers_only: bool = switch(False, "refuse sellers outside the directory (ROUTING_FAILURE)")
    rejected_keeps_number: bool = switch(False, "a deposit that the platform rejected still occupies its number")

    search_lag: float = switch(0.0, "seconds until a deposit, and a change of its state, shows in search")
    search_order: str = switch("newest", "which come first in search results", "newest", "oldest")
    search_count: str = switch(
        "total", "what meta.count counts", "total", "page", "zero", "short", "long", "text", "none"
    )
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
    search_cap: int = switch(0, "most entries of a page, whatever limit was asked for; 0: as many as were asked for")
    search_terms: int = switch(0, "how many alternatives of a query are looked at, the first ones; 0: all")
    search_most: int = switch(0, "most entries of a whole result, however many match; 0: all")
    search_shift: int = switch(0, "all pages but the first begin so many entries later; below 0 some come twice")
    search_endless: bool = switch(False, "a page past the end shows the last one again")
    search_cache: str = switch(
        "off", "a search gets the answer of the first, or of the one before", "off", "first", "previous"
    )
    search_hides: tuple[str, ...] = switch(
        (),
        "deposits of ours that no search shows: any of (with seconds, a value, or a share)",
        "all",
        "older:",
        "younger:",
        "seller:",
        "buyer:",
        "number:",
        "share:",
    )
    search_lag_per_kb: float = switch(0.0, "more seconds of search_lag for each kB of a document")
    create_date_key: str = switch("createDate", "name of the creation date in search results", "createDate", "date")

    history_quota: int = switch(30, "status-history calls a minute and account before 429; 0: no limit")
    history_block: float = switch(60.0, "seconds that status-history stays blocked once the quota is exceeded")
    history_lag: float = switch(0.0, "seconds until a status shows in status-history")
    history_unknown: int = switch(200, "HTTP code for the history of an unknown id (200 answers [])")
    history_young: int = switch(200, "HTTP code for a history that is still empty (200 answers [])")
    history_shape: str = switch("array", "bare array, or {data: [...]}", "array", "data")
    history_refused: str = switch(
        "shown", "the history of what was refused: there, empty for ever, or 500", "shown", "empty", "500"
    )
    history_twists: tuple[str, ...] = switch(
        (), "how histories are shown: any of", "reversed", "shuffled", "duplicated", "nulls"
    )
    lifecycle_twists: tuple[str, ...] = switch(
        (),
        "what becomes of each new life cycle: any of",
        "contradictory",
        "unknown_codes",
        "never",
        "state_only",
        "twice",
        "early",
    )
    deposit_ids: str = switch(
        "uuid7", "ids of new deposits; previous: the 201 names the client's one before", *DEPOSIT_IDS
    )
    status_ids: str = switch("uuid7", "ids of new statuses; counted: 1, 2, 3 for each deposit", *STATUS_IDS)
    status_dates: tuple[str, ...] = switch(
        (),
        "how dates are shown, as how or CODE@how (createDate@how): seconds off, "
        "null, absent, empty, text, epoch_ms, local, year1, year9999",
    )
    status_omits: tuple[str, ...] = switch(
        (), "what statuses lack: any of", "statusId", "invoiceId", "date", "destType", "status", "json", "xml"
    )
    spellings: tuple[str, ...] = switch(
        (), "other words for states, directions, codes and destTypes: OUTBOUND=EMITTED, or lower"
    )
    quotes: tuple[str, ...] = switch((), "where what was sent is repeated: any of", "statuses", "search", "codes")
    date_header: str = switch("right", "the Date of answers", "right", "still", "none")
    not_seen_shape: str = switch("newstatus", "key of the updates in notSeen", "newstatus", "newStatus", "flat")
    not_seen_limit: int = switch(100, "most updates that one notSeen call returns")
    not_seen_noise: int = switch(0, "so many statuses without an id stand before the others in notSeen, for ever")
    acks_refused: float = switch(0.0, "share of the statuses whose markAsSeen is 500 for ever")
    acks_forgotten: float = switch(0.0, "share of the statuses that stay unseen although markAsSeen answers 204")
    send_status_code: int = switch(201, "HTTP code of an accepted POST status (204: no body)")

    rate_limit: int = switch(0, "API requests a minute and source address; 0: no limit (published: 180)")
    rate_limit_style: str = switch("429", "how the excess is refused", "429", "reset")
    retry_after: str = switch("none", "Retry-After of the limits' own 429", "none", "seconds", "date")
    seed: int = switch(0, "seed of everything random")


KINDS: dict[object, Callable[[Any], Any]] = {bool: bool, int: int, float: float, str: str}
NAMES = {each.name: each for each in dataclasses.fields(Settings)}


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some switches thrown; ValueError names the unknown ones and those with an impossible value."""
    unknown = sorted(set(changes) - set(NAMES))
    if unknown:
        raise ValueError(f"no such switch: {', '.join(unknown)}")
    return dataclasses.replace(settings, **{name: converted(name, value) for name, value in changes.items()})


def converted(name: str, value: Any) -> Any:
    """A switch's value from JSON or from the command line, in the type of its default."""
    default = NAMES[name].default
    if name == "search_strangers" and str(value).lower() in {"true", "on", "false", "off"}:
        return USUAL_STRANGERS if str(value).lower() in {"true", "on"} else ()
    if isinstance(default, tuple):
        words = value.split(",") if isinstance(value, str) else value
        return tuple(allowed(name, str(word)) for word in words if word)
    if isinstance(default, bool) and isinstance(value, str):
        return value.lower() in {"1", "true", "yes", "on"}
    return allowed(name, KINDS[type(default)](value))


def allowed(name: str, value: T) -> T:
    choices = NAMES[name].metadata["choices"]
    beginnings = tuple(choice for choice in choices if choice.endswith(":"))
    if choices and value not in choices and not (beginnings and str(value).startswith(beginnings)):
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value
