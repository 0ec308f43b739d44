"""Statuses that name an invoice in a deposit's place: whose each is, if that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from facteur.domain.decide_status import is_duplicate
from facteur.domain.lifecycle import CLOSING, GOOD_FILE, REJECTING
from facteur.domain.status_updates import InvoiceName
from facteur.domain.submission import StatusEvent
from facteur.errors import NotDepositedError
from facteur.platforms.port import Platform
from facteur.poll_statuses.feed_store import Bearer
from facteur.poll_statuses.services import PollServices

COMPARE = (
    "compare at the platform what it has under their number: the status may be of any of these deposits, or of one whose outcome is not "
    "known here, and is stored of none"
)
NO_DUPLICATE = (
    "nothing, if nobody else deposits for this seller; else look for the other deposit of this number at the platform"
)


def attributed(
    account: str, named: Sequence[tuple[StatusEvent, InvoiceName]], platform: Platform, services: PollServices
) -> tuple[list[StatusEvent], set[str]]:
    """Those that are of one deposit of ours, with its id; and the ids of those whose name no deposit of ours bears.

    The latter are another software's, or of a deposit whose outcome is unknown, or what said so was for once another answer.
    """
    bearers = services.feeds.bearers(account, named) if named else {}
    found, refusals = [], 0
    for place, (event, _) in enumerate(named):
        borne_by = bearers.get(place, ())
        bearer, ids, waits = whose(event, borne_by), _ids(borne_by), any(each.waits for each in borne_by)
        if bearer is None or bearer.platform_id is None or not (bearer.kept or bearer.stored):
            if ids and not (waits and len(ids) == 1):
                refusals += event.code in REJECTING
                _warn(services, "feed.ambiguous", account, event, ids, COMPARE)
        elif is_duplicate(event) and not bearer.stored and _is_good(bearer.platform_id, bearer, platform):
            _warn(services, "feed.duplicate", account, event, ids, NO_DUPLICATE)
        else:
            found.append(replace(event, platform_id=bearer.platform_id))
    if refusals:
        services.feeds.note_ambiguous(refusals)
    ours = {
        named[place][0].status_id
        for place, known in bearers.items()
        if _ids(known) or any(each.waits for each in known)
    }
    return found, {event.status_id for event, _ in named} - ours


def whose(event: StatusEvent, bearers: Sequence[Bearer]) -> Bearer | None:
    """The deposit that has the status already, or the only one of its name. Of several the only one that stands, unless the status
    refuses: it may be about a former deposit, and a refusal of the wrong one would have the invoice sent again. What ends a life cycle
    otherwise may be about a former one, too, that the platform has not refused: a person has it cancelled. What may be of a deposit
    whose outcome is unknown is never given to one that was refused: it comes again once that is known, for a day."""
    stored = [each for each in bearers if each.stored]
    closes = event.code in CLOSING
    likely = [each for each in bearers if each.stands or (closes and not each.refused)]
    choices = (stored, bearers) if event.code in REJECTING else (stored, bearers, likely)
    return next((those[0] for those in choices if len(those) == 1), None)


def _ids(bearers: Sequence[Bearer]) -> list[str]:
    return [each.platform_id for each in bearers if each.platform_id]


def _is_good(platform_id: str, bearer: Bearer, platform: Platform) -> bool:
    """Whether the platform has called its file good, so that another one is the duplicate; also where it cannot be asked now."""
    if bearer.good:
        return True
    try:
        return any(each.code == GOOD_FILE for each in platform.history(platform_id))
    except NotDepositedError:
        return True


def _warn(
    services: PollServices, name: str, account: str, event: StatusEvent, ids: Sequence[str], next_step: str
) -> None:
    services.journal.warning(
        name, account=account, status_id=event.status_id, code=event.code, platform_ids=list(ids), next_step=next_step
    )
