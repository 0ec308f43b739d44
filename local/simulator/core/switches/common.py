"""What the core reads, or more than one platform's wire."""

from __future__ import annotations

from dataclasses import dataclass

from local.simulator.core.switches.switch import DEPOSIT_IDS, switch


@dataclass(frozen=True)
class Common:
    """Every platform has these; those named search_* are about any list of deposits."""

    client_id: str = switch("demo@facteur.example", "client id of the first account")
    client_secret: str = switch("simulator", "client secret of the first account")
    sandbox: bool = switch(True, "the first account is one of the sandbox")
    token_seconds: int = switch(1740, "life of a token in seconds")
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
    search_count: str = switch(
        "total", "what the count beside a list counts", "total", "page", "zero", "short", "long", "text", "none"
    )
    search_cap: int = switch(0, "most entries of a page, whatever limit was asked for; 0: as many as were asked for")
    search_most: int = switch(0, "most entries of a whole result, however many match; 0: all")
    search_shift: int = switch(0, "all pages but the first begin so many entries later; below 0 some come twice")
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
    history_lag: float = switch(0.0, "seconds until a status shows where statuses are read")
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
        "uuid7", "ids of new deposits; previous: the answer names the client's one before", *DEPOSIT_IDS
    )
    status_dates: tuple[str, ...] = switch(
        (),
        "how dates are shown, as how or CODE@how (createDate@how): seconds off, "
        "null, absent, empty, text, epoch_ms, local, year1, year9999",
    )
    spellings: tuple[str, ...] = switch(
        (), "other words for states, directions, codes and destTypes: OUTBOUND=EMITTED, or lower"
    )
    quotes: tuple[str, ...] = switch((), "where what was sent is repeated: any of", "statuses", "search", "codes")
    date_header: str = switch("right", "the Date of answers", "right", "still", "none")
    rate_limit: int = switch(0, "API requests a minute and source address; 0: no limit (published: 180)")
    rate_limit_style: str = switch("429", "how the excess is refused", "429", "reset")
    retry_after: str = switch("none", "Retry-After of the limits' own 429", "none", "seconds", "date")
    seed: int = switch(0, "seed of everything random")
