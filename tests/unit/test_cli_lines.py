"""What a narrow terminal shows: ids, numbers and states whole, and the reason on a line of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from io import StringIO
from typing import TypeVar

import pytest
from rich.console import Console

from facteur.cli import listing, preview, reconcile, show
from facteur.cli.times import local
from facteur.domain.visible import as_text
from facteur.install.model import Uninstalled
from facteur.operate.model.accounts import Account, Accounts, Route
from facteur.operate.model.backlog import Previewed
from facteur.operate.model.story import CompanyRow, Happening, Listed, Listing, Stories, Story
from facteur.operate.preview import Preview
from facteur.operate.reconcile.model import Code, Difference
from local.sam import ROOT

Answer = TypeVar("Answer")
THEN = datetime(2026, 11, 22, 10, 11, 12, tzinfo=UTC)
DEPOSIT = "0195f1f0-6a39-7f3e-8a36-1b6f0c5f1e57"
NUMBER = "F-2026-000000000000123456"
REASON = "the platform refuses the document: " + "a very long reason " * 9
URI = "s3://invoices.example/2026/11/" + "deep/" * 20 + "F-1.pdf"


def printed(render: Callable[[Answer, Console], None], answer: Answer) -> list[str]:
    """The lines of an answer on a terminal of 40 columns, before it breaks them itself."""
    out = Console(file=StringIO(), width=40, force_terminal=False)
    render(answer, out)
    return str(out.file.getvalue()).splitlines()  # type: ignore[attr-defined]


LISTED = Listed(
    invoice_id="42", invoice_number=NUMBER, account="default", state="in_doubt", total=Decimal("120.00"), currency="EUR", since=THEN,
    due_at=None, submission_id=None, lifecycle_code="205", about=REASON, status="205 Approuvée", age_seconds=7300.0,
)  # fmt: skip
ONE = Listing((LISTED,), (), 0)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_list_is_a_line_each_on_a_terminal_and_the_reason_is_what_is_cut(columns: int) -> None:
    out = Console(file=StringIO(), width=columns, force_terminal=True, no_color=True, legacy_windows=False)

    listing.render(Listing((LISTED, LISTED), (), 0), out)

    text = re.sub(r"\x1b\[[0-9;]*m", "", out.file.getvalue())  # type: ignore[attr-defined]
    assert {len(line) <= columns for line in text.splitlines()} == {True}
    assert len(text.splitlines()) == 3
    assert re.split(r" {2,}", text.splitlines()[1])[:5] == [NUMBER, "in doubt", "205 Approuvée", "120.00 EUR", "2 h"]


def test_a_list_in_a_pipe_or_wide_has_the_whole_reason() -> None:
    narrow, wide = printed(listing.render, ONE), printed(partial(listing.render, wide=True), ONE)

    assert narrow[1].endswith("a very long reason")
    assert wide[1].endswith("a very long reason")
    assert f"  {local(THEN)}  " in wide[1]


def test_a_difference_shows_its_whole_deposit_and_foreign_ones_are_counted() -> None:
    step = f"facteur adopt id:42 {DEPOSIT}"
    one = Difference(Code.UNKNOWN_TO_US, "default", "42", NUMBER, None, None, DEPOSIT, "the platform has it", step)
    foreign = replace(one, code=Code.FOREIGN, platform_id="other", help=None)
    report = reconcile.Report("2026-11-22", None, 1, 0, 3, (one, foreign, foreign))

    lines = printed(reconcile.render, report)

    assert f"    deposit {DEPOSIT}" in lines
    assert f"    the platform has it → {step}" in lines
    assert any("2 FOREIGN" in line for line in lines)
    assert not any("other" in line.split() for line in lines)


def test_a_preview_shows_the_whole_document_uri() -> None:
    problem = "it has no seller_siren [nine digits]"
    row = Previewed("42", "default", NUMBER, None, date(2026, 11, 22), None, None, URI, problem)

    lines = printed(preview.render, Preview(0, {}, (row,), False, None, {}))

    assert lines[1].split() == ["42", NUMBER, "·", "2026-11-22", "·", "default"]
    assert lines[2:4] == ["    " + URI, "    ✖ it has no seller_siren [nine digits]"]


def test_a_story_shows_the_whole_deposit_of_an_attempt() -> None:
    detail = f"HTTP 200 · as {DEPOSIT} · " + REASON
    happening = Happening(THEN, "deposit accepted", detail)
    row = CompanyRow(
        ready=False, account="default", technical_status="submitted", invoice_number=NUMBER, seller_siren=None, issue_date=None,
        total=None, currency=None, document=None, problem=None, lacks="it has no document",
    )  # fmt: skip
    story = Story(
        invoice_id="42", account="default", invoice_number=NUMBER, seller_siren="732829320", total=None, currency=None, state="submitted",
        submission_id=DEPOSIT, lifecycle_code=None, row=row, told="submitted", happenings=(happening,), next_step="wait", help=None,
    )  # fmt: skip

    lines = printed(show.render, Stories((story,)))

    assert "    " + detail.strip() in lines


def test_every_command_prints_by_the_one_screen_that_takes_nothing_for_markup() -> None:
    """A bracket that somebody wrote is a bracket: see facteur.domain.visible and tests/integration/operate/test_hostile_text.py."""
    sources = {path.name: path.read_text() for path in (ROOT / "layers/core/python/facteur/cli").glob("*.py")}

    assert {name for name, text in sources.items() if re.search(r"\bConsole\(|rich\.markup|\[/", text)} == set()
    direct = re.compile(r"(?:typer\.(?:prompt|confirm)|(?<![.\w])print)\(f.*")
    assert sorted(line for text in sources.values() for line in direct.findall(text)) == [
        'print(f"facteur {__version__}")', 'print(f"facteur: the mapping is in {visible(str(path))}", file=sys.stderr)',
        'print(f"facteur: {visible(str(error))}", file=sys.stderr)',
    ]  # fmt: skip


def test_a_total_of_nothing_is_a_total() -> None:
    lines = printed(listing.render, Listing((replace(LISTED, total=Decimal("0.00")),), (), 0))

    assert "0.00 EUR" in lines[1]


def test_an_answer_is_made_visible_wherever_a_text_is() -> None:
    answer = {"a\x1b": ["x\n\ud800", {"b": "\u3164"}], "statement": "select 1;\n  -- \u202e", "n": 1, "none": None}

    assert as_text(answer) == {
        "a\\x1b": ["x \\ud800", {"b": "\\u3164"}], "statement": "select 1;\n  -- \\u202e", "n": 1, "none": None,
    }  # fmt: skip


def test_an_answer_stays_what_it_is_when_it_is_made_visible() -> None:
    account = Account(
        "a\x1b", "c", None, THEN, "\u202e", {"k\x1b": "v\n"}, False, {"failed": 1}, (Route(THEN, "\u3164", True),)
    )
    difference = Difference(Code.FOREIGN, "default", None, None, None, 7, None, "x\ny", None)
    plain = Uninstalled(("drop\n  \u202e",), ("a\nb",), 0, 0, 0, True, "")

    seen = as_text(Accounts((account,), 1.5))
    (shown,) = seen.accounts

    assert (shown.account, shown.pause_reason, shown.pin) == ("a\\x1b", "\\u202e", {"k\\x1b": "v"})
    assert (shown.paused_until, shown.routes) == (THEN, (Route(THEN, "\\u3164", True),))
    assert as_text(difference) == replace(difference, what="x y")
    assert as_text(difference).code is Code.FOREIGN
    assert (as_text(plain).statements, as_text(plain).kept) == (("drop\n  \\u202e",), ("a b",))
