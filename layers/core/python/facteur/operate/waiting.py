"""What waits, and for what: a sentence for each reason, and when it is a trouble."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from facteur.domain.words import counted, instant
from facteur.operate.model.status import Trouble, Waits

SENTENCES = {  # reason of facteur.waiting -> what waits
    "deposits_off": "# [waits|wait] for deposits to be enabled",
    "account_paused": "# [waits|wait] for account {account}, which is paused by {detail}",
    "account_refused": "# [waits|wait] for account {account}, which is refused: {detail}",
    "platform_down": "# [waits|wait] for the platform of account {account}, which does not answer",
    "account_limit": "# [waits|wait] for the account's limit of {detail} a minute",
    "request_limit": "# [waits|wait] for the limit of {detail} requests a minute",
    "store_refused": "# [waits|wait] for documents: {detail}",
    "put_off": "# [is|are] tried again: {detail}",
    "unreadable": "# [waits|wait] for a row that facteur.invoice_source cannot show",
    "queued": "# [waits|wait] on the queue for a worker",
    "relay": "# [waits|wait] for the relay",
    "sending": "# [is|are] being sent",
    "in_doubt": "# [is|are] in doubt and looked up",
    "not_written_back": "# [row|rows] could not be written back: {detail}",
    "silent": "# [deposit has|deposits have] shown no status for a day",
    "not_ready": "# finished [invoice lacks|invoices lack] something to be deposited, the oldest is id:{detail}",
    "not_transmitted": "# [deposit shows|deposits show] nothing but {detail} for three days: no platform has received [it|them]",
    "not_followed": "# [deposit|deposits] of a former client [is|are] not followed",
    "unread": "# [deposit shows|deposits show] a status whose history is not read yet",
}
# From which age on it is a trouble that no other line of `facteur status` names.
TROUBLES = {
    "account_limit": 0, "request_limit": 0, "store_refused": 0, "relay": 60, "queued": 300, "put_off": 900, "not_ready": 172_800,
    "account_refused": 900, "unreadable": 900, "sending": 900,
    "deposits_off": 3600, "not_transmitted": 259_200,
}  # fmt: skip
# What holds an invoice, whatever a person does with it alone, from so many seconds after it was due: each invoice waits for the next
# run of the relay, and for a worker, for a moment.
HOLDING: Mapping[str, float] = {
    **dict.fromkeys(("deposits_off", "account_paused", "account_refused", "platform_down"), float("-inf")),
    **dict.fromkeys(("account_limit", "request_limit", "store_refused", "unreadable"), float("-inf")),
    "relay": TROUBLES["relay"], "queued": TROUBLES["queued"],
}  # fmt: skip
LIMITS = frozenset({"account_limit", "request_limit"})


def said(waiting: Iterable[Waits]) -> tuple[Waits, ...]:
    """The same, each with its sentence."""
    return tuple(dataclasses.replace(each, what=_sentence(each)) for each in waiting)


def holds(reason: str, overdue_seconds: float | None) -> bool:
    """Whether what an invoice waits for holds it, so many seconds after it was due."""
    return (overdue_seconds or 0.0) >= HOLDING.get(reason, float("inf"))


def of_one(reason: str, account: str, detail: str | None) -> str:
    """What one invoice waits for, where something holds it: a sentence without its full stop."""
    sentence = SENTENCES[reason].replace("# [waits|wait] ", "It waits ")
    return sentence.format(account=account, detail=detail or "no reason given")


def troubles(waiting: Iterable[Waits]) -> Iterator[Trouble]:
    """What has waited for too long, or waits for what many wait for."""
    for each in waiting:
        if each.oldest_seconds >= TROUBLES.get(each.reason, float("inf")):
            yield Trouble(each.what, each.next_step)


def _sentence(waits: Waits) -> str:
    sentence = counted(SENTENCES[waits.reason], waits.count)
    words = sentence.format(account=waits.account, detail=waits.detail or "no reason given")
    if waits.until is None or waits.until_seconds is None or waits.until_seconds <= 0:
        return words
    if waits.reason in LIMITS:
        return f"{words}, about {_duration(waits.until_seconds)}"
    return f"{words}, until {instant(waits.until)}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
