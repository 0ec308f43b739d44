"""What follows from how a search shows a deposit: pure functions."""

from __future__ import annotations

import math

from facteur.domain.decide_status import DAY_SECONDS, SILENT_SECONDS, STATE, seconds_to_next_read
from facteur.domain.decision import Limits
from facteur.domain.lifecycle import REJECTING
from facteur.domain.status_updates import Open, Seen, Sighting

LONGEST_UNSEEN_SECONDS = 21600.0
URGENT, USUAL, NOT_PRESSING = range(3)
URGENT_CODES = REJECTING | {"207", "210"}


def has_doubled(age_seconds: float, late_seconds: float = 0.0) -> bool:
    """Whether a deposit has become 1, 2, 4, 8, … days old since it was last looked at; `late_seconds`: since it was due again."""
    due_age = age_seconds - late_seconds
    before = max(due_age / 1.1, due_age - DAY_SECONDS)
    return age_seconds >= DAY_SECONDS and math.floor(math.log2(age_seconds / DAY_SECONDS)) > math.floor(
        math.log2(before / DAY_SECONDS)
    )


def seconds_to_next_sweep(age_seconds: float) -> float:
    """Seconds until a sweep looks at a deposit again: that costs a two-hundredth of a call, so a day is never needed."""
    return min(LONGEST_UNSEEN_SECONDS, max(60.0, age_seconds / 40))


def seen(deposit: Open, sighting: Sighting | None, due_in: float, limits: Limits, *, shown_lately: bool = True) -> Seen:
    """What follows from how a search shows a deposit; None: it does not. Where it shows no status, the state must do."""
    over = deposit.age_seconds > limits.follow_up_seconds
    code, is_status = (sighting.code, True) if sighting and sighting.code else (_code_of_state(sighting), False)
    state = sighting.state if sighting and sighting.refusing else None
    number = sighting.invoice_number if sighting else None
    return Seen(
        deposit.submission_id, deposit.platform_id, code, sighting.at if sighting and is_status else None, is_status,
        sighting.created_at if sighting else None, due_in, URGENT if state else urgency(code),
        _wanted_every(deposit.age_seconds, deposit.late_seconds, over, shown_lately, is_status), over, state, number,
    )  # fmt: skip


def _wanted_every(
    age_seconds: float, late_seconds: float, over: bool, shown_lately: bool, is_status: bool
) -> float | None:
    """How often the history of a deposit is read though the search shows nothing new of it; None: not yet.

    A search shows the newest status by date: a refusal that is dated before it is found once the deposit's age has doubled, and
    before follow-up ends; not at each sweep, or a switch to sweeps would read everything at once. Without a status it is read as if
    there were no search, where that shows none of ours.
    """
    if is_status:
        return DAY_SECONDS if over or has_doubled(age_seconds, late_seconds) else None
    if not shown_lately:
        return seconds_to_next_read(age_seconds)
    return DAY_SECONDS if over or age_seconds > SILENT_SECONDS else None


def urgency(code: str | None) -> int:
    """Whose history is read first: those of rejections, refusals, and disputes."""
    if code is None:
        return NOT_PRESSING
    return URGENT if code in URGENT_CODES else USUAL


def _code_of_state(sighting: Sighting | None) -> str | None:
    return STATE + sighting.state if sighting and sighting.state else None
