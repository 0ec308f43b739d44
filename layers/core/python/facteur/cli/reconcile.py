"""facteur reconcile"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from facteur.cli.lines import Screen, print_rows, say
from facteur.cli.root import LOOK, NOT_WELL, Session, command
from facteur.domain.visible import visible
from facteur.domain.words import counted
from facteur.errors import OperatorError
from facteur.operate.reconcile import run as operate
from facteur.operate.reconcile.model import Code, Difference

# What a spreadsheet carries out begins a cell; where it takes another separator than the comma, a cell begins within a text.
FORMULA = re.compile(r"(^|[;,|\t\r\n])([\s\"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])|^[\t\r]")
MOST_SHOWN = 100
COUNTED = {  # there may be many, and nobody need do anything
    Code.FOREIGN: "deposited by something else",
    Code.NOT_READY: "issued on that day, never submitted, and not ready: drafts, or something is missing (facteur show says what)",
}

DayOption = Annotated[str, typer.Option("--day", help="YYYY-MM-DD, a day of Paris")]
AccountOption = Annotated[str | None, typer.Option("--account", help="This account only")]
CsvOption = Annotated[Path | None, typer.Option("--csv", help="Write the differences into this file", dir_okay=False)]


@dataclass(frozen=True, slots=True)
class Report:
    """All portions as one."""

    day: str
    account: str | None
    rows: int
    deposits: int
    shown: int
    differences: tuple[Difference, ...]


@command(group=LOOK, examples=("reconcile --day 2026-11-30 --csv differences.csv",))
def reconcile(session: Session, day: DayOption, account: AccountOption = None, csv_file: CsvOption = None) -> int:
    """Compare a day in three books: the company's table, our tables, and what the platform shows. Changes nothing."""
    report = _whole(session, day, account)
    if csv_file:
        write_csv(csv_file, report.differences)
    session.show(report, render)
    return NOT_WELL if any(each.help for each in report.differences) else 0


def _whole(session: Session, day: str, account: str | None) -> Report:
    """All portions as one; a deposit that two of them show counts once."""
    rows = deposits = shown = 0
    found: dict[Difference, None] = {}
    cursor: str | None = None
    with Screen(stderr=True).status("comparing…") as progress:
        while True:
            portion = session.ask(operate.reconcile, day=day, account=account, cursor=cursor)
            rows, deposits, shown = rows + portion.rows, deposits + portion.deposits, shown + portion.shown
            found |= dict.fromkeys(portion.differences)
            cursor = portion.next
            if cursor is None:
                return Report(day, account, rows, deposits, shown, tuple(found))
            progress.update(f"{shown} deposits compared, {len(found)} differences…")


def write_csv(path: Path, differences: Iterable[Difference]) -> None:
    """One line a difference, its texts made visible. What a spreadsheet would take for a formula gets an apostrophe before it.

    Raises:
        OperatorError: the file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            lines = csv.writer(file)
            lines.writerow(each.name for each in fields(Difference))
            lines.writerows(map(harmless, astuple(each)) for each in differences)
    except OSError as exc:
        raise OperatorError(f"{path} could not be written ({type(exc).__name__})") from None


def harmless(value: object) -> str:
    """A cell that no spreadsheet takes for a formula, whatever separates its cells: an apostrophe before it, and before each within."""
    text = re.sub(r"[^\t\r\n ]+", lambda shown: visible(shown[0]), "" if value is None else str(value))
    if not FORMULA.search(text):
        return text
    return "'" + FORMULA.sub(lambda sign: sign[0] + ("'" if sign.start() else ""), text)


def render(report: Report, out: Console) -> None:
    """The counts, the differences by code, and as many of them as one reads."""
    out.print(
        f"{report.day} (Paris): {counted('# [row|rows] issued', report.rows)}, "
        f"{counted('# [deposit|deposits] of ours', report.deposits)}, {report.shown:,} shown by the platform"
    )
    differences = report.differences
    if not differences:
        say(out, ("✔ the three books agree", "green"))
        return
    counts = Counter(each.code for each in differences)
    out.print(", ".join(f"{count} {code}" for code, count in counts.most_common()))
    listed = [each for each in differences if each.code not in COUNTED]
    if listed:
        rows = [(each.code, each.invoice_number, each.invoice_id, each.account) for each in listed[:MOST_SHOWN]]
        print_rows(out, ("code", "number", "id", "account"), rows, [_below(each) for each in listed[:MOST_SHOWN]])
    if len(listed) > MOST_SHOWN:
        out.print(f"and {len(listed) - MOST_SHOWN} more: --csv FILE or --json has them all")
    for code, meaning in COUNTED.items():
        if counts[code]:
            out.print(f"{code}: {meaning}; only counted here, --csv FILE or --json lists them")


def _below(each: Difference) -> tuple[str | None, ...]:
    deposit = f"deposit {each.platform_id}" if each.platform_id else None
    return deposit, each.what + (f" → {each.help}" if each.help else "")
