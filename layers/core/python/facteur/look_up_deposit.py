"""Ask the platform what became of attempts whose outcome nobody knows."""

from __future__ import annotations

import time

from facteur.decide_look_up import after_look_up, attribute, is_ours, plausible
from facteur.decision import LOOKED_UP, Decision, Outcome
from facteur.errors import NotDepositedError
from facteur.model import Candidate, Claim, Doubt, Waiting
from facteur.ports import Platform, SubmissionStore
from facteur.submission_services import Lease, Services


def look_up_deposit(row: Waiting, claim: Claim, services: Services, lease: Lease) -> None:
    """Look up a claimed doubt and record what was found. A look-up that fails is not an empty one."""
    began, doubt = time.monotonic(), services.store.doubt(row.submission_id)
    found: list[tuple[int, str]] = []
    try:
        lease.check()
        ours, strangers = _search(doubt, services.platforms.of(row.account), services.store)
    except NotDepositedError as error:
        decision = services.failed(row, error, doubt.waited_seconds)
    else:
        decision = Decision(after_look_up(doubt, ours, strangers, services.limits), LOOKED_UP)
        found = attribute(doubt.attempts, ours)
    (state,) = services.store.record([Outcome(row, claim, decision, found)])
    services.tell(row, state, decision, time.monotonic() - began)


def _search(doubt: Doubt, platform: Platform, store: SubmissionStore) -> tuple[list[Candidate], list[Candidate]]:
    """What the platform has under the doubtful attempts' numbers: our own deposits, and others'."""
    numbers = {attempt.invoice_number for attempt in doubt.attempts if attempt.outcome != "accepted"} - {None}
    shown = [candidate for number in sorted(map(str, numbers)) for candidate in platform.find(number)]
    held = store.held_elsewhere(doubt.invoice_id, [candidate.platform_id for candidate in shown])
    candidates = plausible(doubt, shown, held)
    ours = [c for c in candidates if is_ours(c, platform.sha256_of(c.platform_id), doubt.attempts)]
    sent = {attempt.document_sha256 for attempt in doubt.attempts}
    unlikely = {c.platform_id: c for c in shown if c not in candidates and c.platform_id not in held and not c.refused}
    # another seller than the row's, a clock that is far off: bytes cannot lie, and without them a person compares
    copies = {platform_id: platform.sha256_of(platform_id) for platform_id in unlikely}
    ours += [c for c in unlikely.values() if copies[c.platform_id] in sent]
    unsure = [c for c in unlikely.values() if copies[c.platform_id] is None and is_ours(c, None, doubt.attempts)]
    return ours, [c for c in candidates if c not in ours] + unsure
