"""The demo as a user starts it: a program without a terminal, its exit code, its words, and what it leaves behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from local.demo.application import Sight
from local.demo.cases import Case, Ending, other_cases, sample_cases
from local.demo.companies import OTHERS
from local.demo.outcome import judge
from local.invoices import UNKNOWN_BUYER, file_name, plain_pdf, render, sample_invoice
from tests.e2e.program import ROOT, demo, left_by, read_until, started

linux = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")


@pytest.mark.slow
@linux
@pytest.mark.e2e
def test_every_invoice_reaches_its_end_and_nothing_is_left(temporary: Path) -> None:
    with demo(temporary) as process:
        said, _ = process.communicate()

    assert process.returncode == 0, said
    invoices = len([*sample_cases(), *other_cases()])
    assert f"{invoices} of {invoices} invoices reached the expected end" in said
    assert "0 sent twice, 0 lost" in said
    for words in ("No route found", "carries no invoice XML", "breaks its schema", "210 Refusée", "(in doubt)"):
        assert words in said
    assert "\x1b" not in said
    assert left_by(temporary) == []


@linux
@pytest.mark.e2e
@pytest.mark.parametrize("moment", ["AWS emulator", pytest.param("pending (sending)", marks=pytest.mark.slow)])
def test_an_interrupted_demo_leaves_nothing(temporary: Path, moment: str) -> None:
    with demo(temporary) as process:
        said = read_until(process, moment)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()

    assert process.returncode == 130, said + rest
    assert "nothing is left behind" in rest
    assert left_by(temporary) == []


@linux
@pytest.mark.e2e
@pytest.mark.slow
def test_the_users_own_files_are_deposited_and_kept_to_look_at(temporary: Path, tmp_path: Path) -> None:
    invoice = sample_invoice(71, buyer=UNKNOWN_BUYER, prefix="MINE-")
    for syntax in ("facturx", "ubl"):
        other = replace(invoice, number=f"{invoice.number}{syntax[0]}")
        (tmp_path / f"Facture n° {file_name(other, syntax)}").write_bytes(render(other, syntax))
    (tmp_path / "scan.pdf").write_bytes(plain_pdf(invoice))

    with demo(temporary, "--invoices", str(tmp_path), "--keep") as process:
        said = read_until(process, "until Ctrl-C")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()

    assert "left out: scan.pdf: UNKNOWN_INVOICE_FLAVOR" in said
    assert "2 of 2 invoices reached the expected end" in said
    for copied in (
        "AWS_DEFAULT_REGION=",
        ".venv/bin/facteur status --stack facteur-demo",
        "facteur status --database postgresql://",
    ):
        assert copied in said + rest
    assert "postgresql://app:" in said
    assert process.returncode == 1, f"a file was left out, so not all is well: {rest}"
    assert left_by(temporary) == []


@linux
@pytest.mark.e2e
@pytest.mark.slow
def test_a_kept_demo_never_gives_up(temporary: Path, tmp_path: Path) -> None:
    """Its database dies, then its AWS, then its platform; each is started again, and an invoice that is written afterwards is deposited."""
    invoice = sample_invoice(71, prefix="MINE-")
    (tmp_path / "one.xml").write_bytes(render(invoice, "ubl"))

    with demo(temporary, "--invoices", str(tmp_path), "--keep") as process:
        said = read_until(process, "what dies is started again")
        programs = {"postgres": "Postgres", "ministack": "AWS emulator", "local.simulator": "Iopole simulator"}
        for mark, name in programs.items():
            os.kill(started(temporary, mark), signal.SIGKILL)
            read_until(process, f"the {name} does not answer; it is started again")
            read_until(process, f"the {name} runs again")
        (folder,) = temporary.glob("facteur-demo-*")
        added = subprocess.run(
            [sys.executable, "-m", "local.demo.add", str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        show = [*shlex.split(added.stdout.splitlines()[-1]), "--json"]
        show[0] = str(Path(sys.executable).with_name("facteur"))
        deadline = time.monotonic() + 60
        while (story := json.loads(subprocess.check_output(show, text=True))["stories"][0])["state"] != "submitted":
            assert time.monotonic() < deadline, story
            time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()

    assert f"local.demo.add {folder}" in said
    assert "stopping …" in rest
    assert process.returncode == 0, rest
    assert left_by(temporary) == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_a_folder_without_invoices_is_refused_before_anything_starts(
    temporary: Path, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "empty").mkdir()

    with demo(temporary, "--invoices", str(tmp_path / folder)) as process:
        said, _ = process.communicate()

    assert process.returncode == 2
    assert str(tmp_path / folder) in said


CASE = replace(sample_cases()[0], ending=Ending("validated", "203"))
GOOD = Sight("validated", "some-id", "submitted", "203", "Mise à disposition", None)


@pytest.mark.parametrize(
    ("sight", "copies", "complaint"),
    [
        (GOOD, 1, ""),
        (GOOD, 2, "the platform has it 2 times instead of 1"),
        (GOOD, 0, "the platform does not have it"),
        (
            replace(GOOD, technical_status="rejected"),
            1,
            "rejected, life cycle 203 instead of validated, life cycle 203",
        ),
        (replace(GOOD, lifecycle_code="210"), 1, "validated, life cycle 210 instead of validated, life cycle 203"),
    ],
)
def test_the_outcome_is_good_only_if_row_and_ledger_agree(sight: Sight, copies: int, complaint: str) -> None:
    outcome = judge({1: CASE}, {1: sight}, [("default", sha256(CASE.document).hexdigest())] * copies)

    assert outcome.good is not bool(complaint)
    assert complaint in "".join(outcome.complaints)


def test_a_document_at_another_companys_platform_spoils_the_outcome() -> None:
    outcome = judge({1: CASE}, {1: GOOD}, [("afnor", sha256(CASE.document).hexdigest())])

    assert [each.partition(": ")[2] or each for each in outcome.complaints] == [
        "the platform has 1 documents that are none of ours", "the platform does not have it",
    ]  # fmt: skip


def test_each_other_company_goes_through_whole_life_cycles_with_its_own_platform() -> None:
    cases = other_cases()

    for account in OTHERS:
        own = [case for case in cases if case.account == account.name]
        assert {case.seller_siren for case in own} == {account.seller.siren}
        endings = {(case.ending.technical_status, case.ending.lifecycle_code) for case in own}
        assert endings >= {("validated", "205"), ("validated", "211"), ("validated", "210"), ("rejected", "213")}
        assert [case.ending.deposits for case in own if "lost_answer" in case.faults] == [1]
    numbers = [case.number for case in (*sample_cases(), *cases)]
    assert len(set(numbers)) == len(numbers)


def test_a_document_of_nobody_spoils_the_outcome() -> None:
    outcome = judge(
        {1: CASE}, {1: GOOD}, [("default", sha256(each).hexdigest()) for each in (CASE.document, b"stranger")]
    )

    assert not outcome.good
    assert "none of ours" in outcome.complaints[0]


def test_the_demo_shows_at_least_thirty_invoices_in_all_three_syntaxes_and_every_kind_of_end() -> None:
    cases = sample_cases()

    assert len([case for case in cases if case.ending.deposits]) >= 30
    assert {_syntax(case) for case in cases} >= {"pdf", "CrossIndustryInvoice", "Invoice"}
    assert {(case.ending.technical_status, case.ending.lifecycle_code) for case in cases} >= {
        ("validated", "205"),
        ("validated", "210"),
        ("rejected", "213"),
        ("rejected", "501"),
        ("rejected", None),
        ("pending", None),
    }
    assert len({case.number for case in cases}) == len(cases)


def _syntax(case: Case) -> str:
    if case.document.startswith(b"%PDF"):
        return "pdf"
    return "CrossIndustryInvoice" if b"CrossIndustryInvoice" in case.document else "Invoice"
