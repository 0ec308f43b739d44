"""What is said of each way in which company, tables, and platform may disagree."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from facteur.cli.reconcile import harmless
from facteur.domain.status_updates import Sighting
from facteur.operate.reconcile.compare import compared, of_a_row
from facteur.operate.reconcile.model import Code, IssuedRow, KnownDeposit

SHOWN = Sighting("P-1", "203", None, None, None, "F-1", "111111111", Decimal("120.00"), "EUR")
OURS = KnownDeposit(
    7,
    "42",
    "default",
    "submitted",
    "P-1",
    ("F-1",),
    ("K-1",),
    "111111111",
    Decimal(120),
    "203",
    "validated",
    True,
    True,
)
ROW = IssuedRow(
    "42", "default", False, "F-1", "111111111", "validated", None, False, 7, "submitted", "validated", "P-1"
)
IN_DOUBT = replace(OURS, state="in_doubt", platform_id=None, written_status="pending")
SECOND = replace(SHOWN, platform_id="P-2")
STRANGE = replace(SHOWN, platform_id="P-9", invoice_number="X-9")
REFUSED = replace(SHOWN, code="213", refused=True)
FILE = Sighting("P-1", None, None, None, None, of_file=True)
KEYED = replace(FILE, platform_id="P-2", own_key="K-1")

CASES = [
    ("all agree", [SHOWN], [OURS], {}, []),
    ("nothing at all", [], [], {}, []),
    ("not shown", [], [OURS], {}, [(Code.NOT_AT_PLATFORM, True)]),
    ("not shown, and too young or of another day", [], [replace(OURS, in_time=False)], {}, []),
    ("not shown, and never deposited", [], [IN_DOUBT], {}, []),
    ("known to nobody", [SHOWN], [IN_DOUBT], {}, [(Code.UNKNOWN_TO_US, True)]),
    ("known to nobody, written otherwise", [replace(SHOWN, invoice_number=" f-1 ")], [IN_DOUBT], {}, [(Code.UNKNOWN_TO_US, True)]),
    ("known to nobody yet: under way", [SHOWN], [replace(IN_DOUBT, state="sending")], {}, []),
    ("sent under another number", [SHOWN], [replace(IN_DOUBT, numbers=("F-2", "F-1"))], {}, [(Code.UNKNOWN_TO_US, True)]),
    ("no submission, but a row", [STRANGE], [OURS], {"x-9": "43"}, [(Code.UNKNOWN_TO_US, True), (Code.NOT_AT_PLATFORM, True)]),
    ("nobody's", [SHOWN, STRANGE], [OURS], {}, [(Code.FOREIGN, False)]),
    ("of another seller", [SHOWN, replace(SECOND, seller_siren="222222222")], [OURS], {}, [(Code.FOREIGN, False)]),
    ("without a number", [SHOWN, replace(STRANGE, invoice_number=None)], [OURS], {}, [(Code.UNKNOWN_TO_US, True)]),
    ("refused, without a number", [replace(FILE, refused=True)], [], {}, [(Code.UNKNOWN_TO_US, False)]),
    ("a file by our key", [KEYED], [IN_DOUBT], {}, [(Code.UNKNOWN_TO_US, True)]),
    ("a file by our key beside the one that is known", [FILE, KEYED], [OURS], {}, [(Code.TWICE_AT_PLATFORM, True)]),
    ("a file that is called as a row's number", [replace(FILE, file_name="F-7")], [], {"f-7": "43"}, [(Code.UNKNOWN_TO_US, True)]),
    ("a file under another key, with a name that says nothing", [replace(FILE, own_key="K-9")], [], {}, [(Code.UNKNOWN_TO_US, True)]),
    ("a file says nothing of a life cycle", [FILE], [replace(OURS, lifecycle_code="205")], {}, []),
    ("a file that is good, and its invoice was rejected", [FILE], [replace(OURS, state="rejected")], {}, []),
    ("a file that is good, and failed here", [FILE], [replace(OURS, state="failed")], {}, [(Code.STATUS_DIFFERS, True)]),
    ("twice", [SHOWN, SECOND], [OURS], {}, [(Code.TWICE_AT_PLATFORM, True)]),
    ("twice, the second refused", [SHOWN, replace(SECOND, refused=True)], [OURS], {}, [(Code.TWICE_AT_PLATFORM, False)]),
    ("twice on two pages", [SHOWN, SHOWN], [OURS], {}, []),
    ("refused there", [REFUSED], [OURS], {}, [(Code.REFUSED_AT_PLATFORM, True)]),
    ("refused there and here", [REFUSED], [replace(OURS, state="rejected", lifecycle_code="213")], {}, []),
    ("refused, known to nobody", [REFUSED], [IN_DOUBT], {}, [(Code.REFUSED_AT_PLATFORM, True)]),
    ("another status", [replace(SHOWN, code="205")], [OURS], {}, [(Code.STATUS_DIFFERS, True)]),
    ("no status shown", [replace(SHOWN, code=None)], [OURS], {}, []),
    ("failed here, well there", [SHOWN], [replace(OURS, state="failed")], {}, [(Code.STATUS_DIFFERS, True)]),
    ("another amount", [replace(SHOWN, total=Decimal(100))], [OURS], {}, [(Code.AMOUNT_DIFFERS, True)]),
    ("less than a cent apart", [replace(SHOWN, total=Decimal("120.004"))], [OURS], {}, []),
    ("no amount shown", [replace(SHOWN, total=None)], [OURS], {}, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "ours", "rows", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_disagreement_has_a_code_and_where_it_needs_somebody_a_step(
    shown: list[Sighting], ours: list[KnownDeposit], rows: dict[str, str], said: list[tuple[Code, bool]]
) -> None:
    found = compared("default", shown, ours, rows)

    assert [(each.code, each.help is not None) for each in found] == said
    assert all(each.what for each in found)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW, []),
        (replace(ROW, technical_status="pending"), [Code.ROW_SAYS_OTHERWISE]),
        (replace(ROW, technical_status=None), []),
        (replace(ROW, shown_id="P-1"), []),
        (replace(ROW, shown_id="P-2"), [Code.ROW_SAYS_OTHERWISE]),
        (replace(ROW, ready=True, state=None, submission_id=None), [Code.NOT_SUBMITTED]),
        (replace(ROW, ready=True, state="rejected", technical_status="pending"), [Code.NOT_SUBMITTED]),
        (replace(ROW, technical_status="validated", state=None, written_status="pending"), [Code.ROW_SAYS_OTHERWISE]),
    ],
)
def test_a_row_is_compared_with_what_it_was_given(row: IssuedRow, said: list[Code]) -> None:
    assert [each.code for each in of_a_row(row)] == said


@pytest.mark.parametrize("text", ["=1+1", "+33", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_carry_out_is_written_as_text(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert (harmless("F-1"), harmless(None), harmless(7)) == ("F-1", "", "7")
