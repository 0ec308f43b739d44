"""The twelve things that break: each is made by its real cause, and is over when everything that was written meanwhile is deposited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.drill import causes
from local.drill.ground import Ground


@dataclass(frozen=True, slots=True)
class Breakage:
    """What is broken, and how the drill itself puts it right, should the person give up.

    Args:
        name: one word, to choose it by.
        what: what has happened, said at the end.
        section: of docs/runbook.md.
        make: breaks it; gives what somebody else would know: the platform's console, a colleague.
        restore: repairs it.
        passes: where it also ends by itself: what the right thing is, said at the end.
    """

    name: str
    what: str
    section: str
    make: Callable[[Ground], str | None]
    restore: Callable[[Ground], object]
    passes: str | None = None


SILENT = "The relay is silent"
BREAKAGES = (
    Breakage(
        "platform",
        "the platform was down",
        "The platform does not answer",
        causes.platform_down,
        causes.platform_up,
        "This one goes on by itself, a minute after the platform is back at the latest: the right thing is to look whose fault it is, "
        "and to wait. `facteur resume` spares that minute, no more.",
    ),
    Breakage(
        "secret",
        "the client's secret was changed at the platform",
        "The platform refuses an account",
        causes.secret_wrong,
        causes.old_secret,
    ),
    Breakage(
        "doubt",
        "an answer was lost, and the platform's search fails",
        "A deposit stays in doubt",
        causes.answer_lost,
        causes.search_works,
    ),
    Breakage(
        "password",
        "the password of the functions' role was changed",
        SILENT,
        causes.password_changed,
        causes.old_password,
    ),
    Breakage(
        "trigger",
        "the triggers on the invoice table were dropped",
        "The installation has come apart",
        causes.trigger_dropped,
        causes.watched,
    ),
    Breakage(
        "bucket",
        "the stack was deployed with another bucket",
        "A store refuses documents",
        causes.bucket_refused,
        causes.again("DocumentsBucket"),
    ),
    Breakage(
        "limit",
        "the account's limit is too low",
        "An account's limit is too low",
        causes.limit_too_low,
        causes.unlimited,
    ),
    Breakage("row", "the mapping raises on a row", "A row cannot be read", causes.poison_row, causes.rate_corrected),
    Breakage(
        "letters",
        "messages lie in the dead-letter queue",
        "Messages lie in the dead-letter queue",
        causes.dead_letters,
        causes.redriven,
    ),
    Breakage(
        "paused",
        "somebody paused the account and forgot it",
        "An account is paused",
        causes.account_paused,
        causes.resume,
    ),
    Breakage(
        "address",
        "the stack was deployed with another address of the platform",
        SILENT,
        causes.wrong_address,
        causes.again("IopoleBaseUrl"),
    ),
    Breakage("schedule", "the relay's schedule was switched off", SILENT, causes.schedule_off, causes.scheduled),
)
