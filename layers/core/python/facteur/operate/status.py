"""Is all well, and if not, which command helps?"""

from __future__ import annotations

from collections.abc import Iterator

from facteur.domain.words import counted, instant
from facteur.errors import QueueUnavailableError
from facteur.operate.model.status import AccountHealth, FunctionRun, Installation, Status, Trouble
from facteur.operate.services import OperateServices
from facteur.operate.waiting import said
from facteur.operate.waiting import troubles as of_waiting

OVERDUE_SECONDS = 900  # as the alarm's default
DOUBT_SECONDS = 3600  # by then a doubt is decided, or somebody should look
DEADLINE_DAYS = 10  # as the alarm's default
UNDEPOSITED = "facteur list --state pending --state sending --state in_doubt --state failed"
SILENT_SECONDS = 120  # schedules come every minute: two of them
LONGEST_RUN_SECONDS = 240  # since one ended well, while another is under way
NEVER_HEARD_OF_SECONDS, UNREAD_SECONDS = 86_400, 21_600  # as the alarms
REJECTED_PERCENT = 20  # as the alarm's default
TALLIES = {  # what leaves no row behind: from how many on it is a trouble, what it is, and what helps
    "forgotten": (1, "# ready [row|rows] had been written past the triggers; noted now", "facteur doctor"),
    "unnamed_kinds": (
        1,
        "# [kind|kinds] of finished documents that nobody has named, as of the last daily count",
        "facteur doctor",
    ),
    "keys_not_shown": (
        21,
        "# [row was|rows were] written within an hour that facteur.invoice_source does not show",
        "facteur doctor",
    ),
    "ambiguous_refusals": (
        1,
        "# [refusal|refusals] within a day that may be of several deposits of one number, stored of none",
        "facteur list --state submitted; see feed.ambiguous in the log of poll_statuses",
    ),
    "statuses_put_off": (
        1,
        "# [time|times] something that the platform says could not be read or stored, and is tried again",
        "facteur doctor",
    ),
}


def status(services: OperateServices) -> Status:
    """Counts by state and account, what is late, paused, or dead, and what to do about it."""
    installation, accounts = services.reading.installation(), tuple(services.reading.accounts())
    waiting, runs = said(services.reading.waiting()), tuple(services.reading.runs())
    troubles = [
        *_of_installation(installation, runs),
        *(Trouble(what, "facteur doctor") for what in services.reading.faults() if installation.watching),
        *(each for account in accounts for each in _of_account(account)),
        *of_waiting(waiting),
    ]
    dead, trouble = _dead_letters(services)
    troubles += [trouble] if trouble else []
    return Status(installation, accounts, dead, tuple(troubles), waiting, runs)


def unopened(services: OperateServices) -> str | None:
    """What the triggers noted, where no relay takes it up: why a list shows less than the table."""
    ago = services.reading.installation().relay_began_seconds_ago
    if ago is not None and ago <= SILENT_SECONDS:
        return None
    if noted := services.reading.noted():
        return counted(f"# [row is|rows are] noted and not opened yet: the relay {_silence(ago)}", noted)
    return f"the relay {_silence(ago)}: what is ready is opened by its first run" if ago is None else None


def _silence(ago: float | None) -> str:
    return "has never run" if ago is None else f"has not run for {ago / 60:.0f} minutes"


def _of_runs(installation: Installation, runs: tuple[FunctionRun, ...]) -> Iterator[Trouble]:
    """How functions end. One that cannot reach the database cannot say so: then the last that ended well grows old."""
    ended = {run.name: run for run in runs}
    began = {
        "relay_submissions": installation.relay_began_seconds_ago, "poll_statuses": installation.poll_began_seconds_ago,
    }  # fmt: skip
    for run in runs:
        if run.error:
            times = f", {run.failures} times in a row" if run.failures > 1 else ""
            yield Trouble(f"{run.name} raised {run.error} {run.ended_seconds_ago:.0f} s ago{times}", "facteur doctor")
    for name, ago in began.items():
        if name in ended and ended[name].error:
            continue
        ok = ended[name].ok_seconds_ago if name in ended else ago
        if not _fresh(ago, ok):
            yield Trouble(f"{name} {_silence(ago if ok is None else ok)}", "facteur doctor")


def _fresh(began: float | None, ok: float | None) -> bool:
    under_way = began is not None and began <= SILENT_SECONDS
    return ok is not None and ok <= (LONGEST_RUN_SECONDS if under_way else SILENT_SECONDS)


def _of_installation(installation: Installation, runs: tuple[FunctionRun, ...]) -> Iterator[Trouble]:
    if not installation.watching:
        if not installation.faults:  # else it was installed, and somebody has dropped the view
            yield Trouble("no invoice table is watched", "facteur init")
        yield from (Trouble(fault, "facteur doctor") for fault in installation.faults)
        return
    yield from _of_runs(installation, runs)
    if installation.undeposited_days >= DEADLINE_DAYS:
        yield Trouble(
            f"an invoice that was issued {installation.undeposited_days} days ago is not deposited",
            UNDEPOSITED,
        )
    yield from (Trouble(fault, "facteur doctor") for fault in installation.faults)
    yield from _of_statuses(installation)
    yield from _of_tallies(installation)
    if installation.unreadable_rows:
        yield Trouble(
            counted("# [row|rows] that the mapping could not read", installation.unreadable_rows),
            "facteur list --unreadable",
        )


def _of_statuses(installation: Installation) -> Iterator[Trouble]:
    if installation.silent_seconds > NEVER_HEARD_OF_SECONDS:
        hours = installation.silent_seconds / 3600
        yield Trouble(f"a deposit has shown no status for {hours:.0f} hours", "facteur list --silent")
    if installation.unread_seconds > UNREAD_SECONDS:
        hours = installation.unread_seconds / 3600
        yield Trouble(f"a status that the search shows cannot be read for {hours:.0f} hours", "facteur list --unread")
    if installation.accounts_not_shown:
        yield Trouble(
            counted(
                "# [account: the platform shows none of its|accounts: the platform shows none of their] deposits, hides unseen statuses, "
                "or the feed has failed for an hour",
                installation.accounts_not_shown,
            ),
            "facteur doctor",
        )
    if installation.followed_by_nobody:
        yield Trouble(
            counted(
                "# [deposit|deposits] of a former client [is|are] not followed: nobody hears of a refusal",
                installation.followed_by_nobody,
            ),
            "ask the platform for their statuses (facteur list --state submitted); docs/accounts.md",
        )


def _of_tallies(installation: Installation) -> Iterator[Trouble]:
    for name, (least, what, step) in TALLIES.items():
        if (n := installation.tallies.get(name, 0)) >= least:
            yield Trouble(counted(what, n), step)
    if installation.rejected_percent > REJECTED_PERCENT:
        yield Trouble(
            f"{installation.rejected_percent} % of the last hour's invoices were rejected",
            "facteur list --state rejected",
        )


def _of_account(account: AccountHealth) -> Iterator[Trouble]:
    name = account.account
    if failed := account.states.get("failed", 0):
        words = counted("# [invoice failed and needs|invoices failed and need] a person", failed)
        yield Trouble(f"{name}: {words}", f"facteur list --state failed --account {name}")
    if account.mismatched:
        yield Trouble(
            f"{name}: "
            + counted("# [row shows|rows show] an error though something was deposited", account.mismatched),
            "facteur list --mismatched",
        )
    if account.oldest_doubt_seconds > DOUBT_SECONDS:
        minutes = account.oldest_doubt_seconds / 60
        yield Trouble(
            f"{name}: a deposit is in doubt for {minutes:.0f} minutes",
            f"facteur list --state in_doubt --account {name}",
        )
    if account.oldest_overdue_seconds > OVERDUE_SECONDS:
        yield Trouble(
            f"{name}: something is overdue for {account.oldest_overdue_seconds / 60:.0f} minutes", "facteur doctor"
        )
    if account.write_backs_waiting:
        yield Trouble(
            f"{name}: " + counted("# [row|rows] could not be written back", account.write_backs_waiting),
            "facteur list --not-written-back",
        )
    yield from _of_pauses(account)


def _of_pauses(account: AccountHealth) -> Iterator[Trouble]:
    name = account.account
    if account.held:
        until = instant(account.held_until) if account.held_until else "somebody resumes it"
        yield Trouble(
            f"{name}: paused by {account.held_by} until {until}: {account.held_why}", f'facteur resume {name} --why "…"'
        )
    elif account.breaker_open:
        yield Trouble(f"{name}: the platform does not answer; it is asked once a minute", "facteur doctor")
    elif account.paused_until:
        reason, until = account.pause_reason or "no reason", instant(account.paused_until)
        yield Trouble(
            f"{name}: paused until {until} ({reason})", f'facteur doctor, then facteur resume {name} --why "…"'
        )


def _dead_letters(services: OperateServices) -> tuple[int | None, Trouble | None]:
    letters = services.dead_letters()
    if letters is None:
        return None, None
    try:
        count = letters.count()
    except QueueUnavailableError as error:
        return None, Trouble(str(error), "facteur doctor")
    return count, Trouble(counted("# dead [letter|letters]", count), "facteur dead-letters") if count else None
