"""What a narrow terminal shows: ids, numbers and states whole, and the reason on a line of its own."""

from __future__ import annotations

import re
from functools import partial
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from facteur.cli import listing, preview, reconcile, show
from facteur.domain.visible import as_text
from local.sam import ROOT

DEPOSIT = "0195f1f0-6a39-7f3e-8a36-1b6f0c5f1e57"
NUMBER = "F-2026-000000000000123456"
REASON = "the platform refuses the document: " + "a very long reason " * 9
URI = "s3://invoices.example/2026/11/" + "deep/" * 20 + "F-1.pdf"


def printed(render: Any, answer: Any) -> list[str]:
    """The lines of an answer on a terminal of 40 columns, before it breaks them itself."""
    out = Console(file=StringIO(), width=40, force_terminal=False)
    render(answer, out)
    return str(out.file.getvalue()).splitlines()  # type: ignore[attr-defined]


LISTED = {
    "invoice_id": "42", "invoice_number": NUMBER, "account": "default", "state": "in_doubt", "total": "120.00", "currency": "EUR",
    "since": "2026-11-22 11:11:12", "due_at": None, "about": REASON, "status": "205 Approuvée", "age_seconds": 7300.0,
}  # fmt: skip


@pytest.mark.parametrize("columns", [80, 120])
def test_a_list_is_a_line_each_on_a_terminal_and_the_reason_is_what_is_cut(columns: int) -> None:
    out = Console(file=StringIO(), width=columns, force_terminal=True, no_color=True, legacy_windows=False)

    listing.render({"invoices": [LISTED, LISTED], "unreadable": [], "more": 0, "unopened": None}, out)

    text = re.sub(r"\x1b\[[0-9;]*m", "", out.file.getvalue())  # type: ignore[attr-defined]
    assert {len(line) <= columns for line in text.splitlines()} == {True}
    assert len(text.splitlines()) == 3
    assert re.split(r" {2,}", text.splitlines()[1])[:5] == [NUMBER, "in doubt", "205 Approuvée", "120.00 EUR", "2 h"]


def test_a_list_in_a_pipe_or_wide_has_the_whole_reason() -> None:
    narrow = printed(listing.render, {"invoices": [LISTED], "unreadable": [], "more": 0, "unopened": None})
    wide = printed(
        partial(listing.render, wide=True), {"invoices": [LISTED], "unreadable": [], "more": 0, "unopened": None}
    )

    assert narrow[1].endswith("a very long reason")
    assert wide[1].endswith("a very long reason")
    assert "2026-11-22 11:11:12" in wide[1]


def test_a_difference_shows_its_whole_deposit_and_foreign_ones_are_counted() -> None:
    one = {
        "code": "UNKNOWN_TO_US", "account": "default", "invoice_id": "42", "invoice_number": NUMBER,
        "platform_id": DEPOSIT, "what": "the platform has it", "help": "facteur adopt id:42 " + DEPOSIT,
    }  # fmt: skip
    foreign = one | {"code": "FOREIGN", "platform_id": "other", "help": None}
    report = {"day": "2026-11-22", "rows": 1, "deposits": 0, "shown": 3, "differences": [one, foreign, foreign]}

    lines = printed(reconcile.render, report)

    assert f"    deposit {DEPOSIT}" in lines
    assert f"    the platform has it → facteur adopt id:42 {DEPOSIT}" in lines
    assert any("2 FOREIGN" in line for line in lines)
    assert not any("other" in line.split() for line in lines)


def test_a_preview_shows_the_whole_document_uri() -> None:
    row = {
        "invoice_id": "42", "invoice_number": NUMBER, "account": "default", "seller_siren": None, "issue_date": "2026-11-22",
        "total": None, "currency": None, "document": URI, "problem": "it has no seller_siren [nine digits]",
    }  # fmt: skip

    lines = printed(
        preview.render,
        {"invoices": [row], "pending": 0, "totals": {}, "documents": False, "unopened": None, "other_kinds": {}},
    )

    assert lines[1].split() == ["42", NUMBER, "·", "2026-11-22", "·", "default"]
    assert lines[2:4] == ["    " + URI, "    ✖ it has no seller_siren [nine digits]"]


def test_a_story_shows_the_whole_deposit_of_an_attempt() -> None:
    detail = f"HTTP 200 · as {DEPOSIT} · " + REASON
    happening = {"at": "2026-11-22T10:11:12+00:00", "what": "deposit accepted", "detail": detail}
    story = {
        "invoice_number": NUMBER, "seller_siren": "732829320", "total": None, "currency": None, "invoice_id": "42", "help": None,
        "account": "default", "state": "submitted", "submission_id": DEPOSIT, "happenings": [happening], "told": "submitted",
        "next_step": "wait", "row": {"problem": None, "technical_status": "submitted", "ready": False, "lacks": "it has no document"},
    }  # fmt: skip

    lines = printed(show.render, {"stories": [story]})

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


def test_an_answer_is_made_visible_wherever_a_text_is() -> None:
    answer = {"a\x1b": ["x\n\ud800", {"b": "\u3164"}], "statement": "select 1;\n  -- \u202e", "n": 1, "none": None}

    assert as_text(answer) == {
        "a\\x1b": ["x \\ud800", {"b": "\\u3164"}], "statement": "select 1;\n  -- \\u202e", "n": 1, "none": None,
    }  # fmt: skip
