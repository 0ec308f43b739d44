"""What it costs on AWS, on paper: prices and assumptions are inputs, what an invoice takes is measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from facteur.domain.decide_sweep import seconds_to_next_sweep
from local.bench.result import number
from local.bench.run import Run

INVOICES = 100_000
MANY = 10_000_000  # a month
MONTH_SECONDS = 30 * 86400
GIB = 2**30
NEEDED = ("a second in 10s", "a second in 100s", "worker MB", "bytes an invoice", "searches for a thousand")


@dataclass(frozen=True, slots=True)
class Prices:
    """USD, list prices of an EU region for arm64 as we know them in November 2026; put your own in."""

    gb_second: float = 0.0000133334
    million_invocations: float = 0.20
    million_sqs_requests: float = 0.40
    thousand_s3_reads: float = 0.0004
    gb_of_logs: float = 0.57
    secret_a_month: float = 0.40


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the bench does not measure."""

    batch: int = 10  # messages in an invocation
    log_bytes: int = 700  # an invoice, over its life
    followed_days: float = 400.0  # an invoice; 212 does not end it
    histories: int = 6  # read for an invoice
    relay_mb: int = 256
    statuses: int = 8  # rows of status_events an invoice
    status_bytes: int = 900  # of one, with its raw JSON and its indexes
    calls_a_minute: int = 180  # what the platform admits from one address


def cost_section(run: Run, prices: Prices | None = None, given: Assumptions | None = None) -> Iterator[str]:
    """Markdown, where the run has all that it takes."""
    facts = {name: value for m in run.measured if m.result for name, value in m.result.facts.items()}
    if not all(name in facts for name in NEEDED):
        return
    prices, given = prices or Prices(), given or Assumptions()
    yield "## What it costs on AWS\n"
    yield f"On paper, from this run's figures. Prices: {_listed(prices)}. Assumed: {_listed(given)}.\n"
    yield f"| For {INVOICES:,} invoices | Amount | USD |\n|---|---|---|"
    lines = list(_lines(facts, prices, given))
    yield from (f"| {what} | {amount} | {usd:.2f} |" for what, amount, usd in lines)
    yield f"| **together** | | **{sum(usd for *_, usd in lines):.2f}** |"
    watch = MONTH_SECONDS * given.relay_mb / 1024
    yield (
        f"\nEach month besides, however few invoices: the watching relay {watch:,.0f} GB-seconds, {watch * prices.gb_second:.2f} USD; "
        f"two secrets {2 * prices.secret_a_month:.2f} USD. Postgres, NAT or endpoints come on top.\n"
    )
    yield f"### {MANY:,} invoices a month\n"
    yield from (f"- {line}" for line in _at_scale(facts, given))
    yield ""


def _lines(facts: dict[str, float], prices: Prices, given: Assumptions) -> Iterator[tuple[str, str, float]]:
    seconds = INVOICES / facts["a second in 10s"] * facts["worker MB"] / 1024
    yield "submit_invoices", f"{seconds:,.0f} GB-seconds", seconds * prices.gb_second
    invocations = INVOICES / given.batch
    yield "its invocations", f"{invocations:,.0f}", invocations / 1e6 * prices.million_invocations
    yield (
        "SQS: send, receive, delete",
        f"{3 * invocations:,.0f} requests",
        3 * invocations / 1e6 * prices.million_sqs_requests,
    )
    yield "S3: documents", f"{INVOICES:,} reads", INVOICES / 1e3 * prices.thousand_s3_reads
    logs = INVOICES * given.log_bytes / GIB
    yield "logs", f"{logs:.2f} GB", logs * prices.gb_of_logs
    polled = _status_calls(INVOICES, facts, given) * 0.2 * given.relay_mb / 1024
    yield "poll_statuses (0.2 s a call)", f"{polled:,.0f} GB-seconds", polled * prices.gb_second


def _status_calls(invoices: int, facts: dict[str, float], given: Assumptions) -> float:
    return invoices * (looks(given.followed_days) * facts["searches for a thousand"] / 1000 + given.histories)


def looks(days: float) -> int:
    """How often a sweep looks at an invoice while it is followed."""
    age, count = 0.0, 0
    while age < days * 86400:
        age, count = age + seconds_to_next_sweep(age), count + 1
    return count


def _at_scale(facts: dict[str, float], given: Assumptions) -> Iterator[str]:
    rate = MANY / MONTH_SECONDS
    calls = rate + _status_calls(MANY, facts, given) / MONTH_SECONDS
    admitted = given.calls_a_minute / 60
    yield (
        f"{rate:.1f} deposits a second and {calls - rate:.1f} calls for statuses ({looks(given.followed_days):,} looks at each, and its "
        f"histories): {calls * 60:,.0f} calls a minute, where one source address has {given.calls_a_minute}. The platform's limit comes "
        f"first, by {calls / admitted:.0f} times: it takes a higher one, looks that are rarer for what has been paid, or webhooks."
    )
    busy = rate / facts["a second in 10s"]
    yield f"{number(busy)} workers busy on average at 100 ms of latency; at ten times the average {number(10 * busy)}."
    yield (
        "Each worker, the relay and the poll hold one Postgres connection; statements commit by themselves and set no session state, so "
        "RDS Proxy can share connections between them. It is needed when SubmitMaximumConcurrency nears max_connections, not before."
    )
    rows = MANY * facts["bytes an invoice"] / GIB
    statuses = MANY * given.statuses * given.status_bytes / GIB
    yield (
        f"{facts['bytes an invoice']:,.0f} bytes an invoice in submissions and attempts (measured, with indexes): {rows:.0f} GB a month, "
        f"and {statuses:.0f} GB in status_events. What is scheduled does not grow with them, but vacuum and backups do: partition "
        "status_events and attempts by month from about a hundred million rows on, and move closed submissions out after their 400 days."
    )


def _listed(values: Prices | Assumptions) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {getattr(values, name):g}" for name in values.__slots__)
