"""facteur status"""

from __future__ import annotations

from rich.console import Console

from facteur.cli.lines import BAD, one_line, print_line, print_rows, say
from facteur.cli.root import LOOK, NOT_WELL, Session, command
from facteur.cli.times import lasting
from facteur.operate import status as operate
from facteur.operate.model.status import Status

STATES = ("pending", "sending", "in_doubt", "submitted", "closed", "rejected", "failed")


@command(
    group=LOOK, examples=("status --stack facteur-prod", "status --database postgresql://reader@host/company --json")
)
def status(session: Session) -> int:
    """Is all well? Counts by state and account, and which command helps with what is not."""
    answer = session.ask(operate.status)
    session.show(answer, render)
    return exit_code(answer)


def exit_code(answer: Status) -> int:
    """1 where something is not well."""
    return NOT_WELL if answer.troubles else 0


def render(answer: Status, out: Console) -> None:
    """One screen."""
    installation = answer.installation
    enabled = {True: "on", False: "off: nothing is sent", None: "the relay has not run yet"}[
        installation.deposits_enabled
    ]
    out.print(f"Facteur {installation.version} · deposits {enabled}")
    counts = [(each.account, *(each.states.get(state) for state in STATES)) for each in answer.accounts]
    print_rows(out, ("account", *(state.replace("_", " ") for state in STATES)), counts)
    _say_pace(answer, out)
    for each in answer.waiting:
        print_line(out, f"… {one_line(each.what)} → {each.next_step}")
    for name, ago in (
        ("relay_submissions", installation.relay_began_seconds_ago),
        ("poll_statuses", installation.poll_began_seconds_ago),
    ):
        out.print(f"{name} {'has never run' if ago is None else f'last ran {lasting(ago)} ago'}")
    if answer.dead_letters is not None:
        out.print(f"dead letters: {answer.dead_letters}")
    if not answer.troubles:
        say(out, ("✔ all is well", "green"))
    for trouble in answer.troubles:
        say(out, BAD, f" {trouble.what} → ", (trouble.help, "bold"))


def _say_pace(answer: Status, out: Console) -> None:
    """What is late, and what holds it up: the platform, or the budget."""
    installation, accounts = answer.installation, answer.accounts
    late = max(accounts, key=lambda each: each.oldest_overdue_seconds, default=None)
    overdue = (
        f"for {lasting(late.oldest_overdue_seconds)} ({late.account})"
        if late and late.oldest_overdue_seconds >= 1
        else "nothing"
    )
    silent = ", ".join(each.account for each in accounts if each.breaker_open)
    out.print(f"overdue: {overdue} · breaker: {f'open ({silent})' if silent else 'closed'}")
    use, rate = installation.budget_use_percent, installation.rate_percent
    out.print(f"budget: {use} % used, rate {rate} % of the allowed")
