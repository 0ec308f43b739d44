"""A trial on a company's own database, as a user starts it, and the database afterwards: a dump says that it is as before."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from local.invoices import UNKNOWN_BUYER, Company, render, sample_invoice
from local.trial.journal import Journal
from local.world.postgres import embedded_binaries
from tests.e2e.program import demo, read_until
from tests.installations import build, install
from tests.rows import Rows

EINVOICING = ("--database={url}", "--yes", "--init=--submit-from 2026-06-01 --kinds standard,deposit,final,credit_note")
FRENCH = ("--database={url}", "--yes", "--init=--submit-from 2024-10-20 --add-columns")
PATIENCE_SECONDS = 60
UNDONE = "is as it was before the trial"


def dump(url: str) -> list[str]:
    """Every row and every object of the database; rows in no order, for an update moves them."""
    command: list[str | Path] = [embedded_binaries() / "pg_dump", "--inserts", "--restrict-key=same", url]
    return sorted(subprocess.check_output(command, text=True).splitlines())


@contextmanager
def on_trial(temporary: Path, url: str, arguments: tuple[str, ...]) -> Iterator[subprocess.Popen[str]]:
    with demo(temporary, *(each.replace("{url}", url) for each in arguments)) as process:
        yield process


def stopped(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    return said


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def value(bare: Rows) -> Iterator[Callable[[str], object]]:
    """The company's application: it asks and writes in a session of its own."""
    connection = psycopg2.connect(bare.url)
    connection.autocommit = True

    def asked(statement: str) -> object:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()[0][0]

    yield asked
    connection.close()


@pytest.mark.e2e
def test_a_companys_own_invoices_go_out_and_its_database_is_as_before(
    temporary: Path, bare: Rows, value: Callable[[str], object]
) -> None:
    """A quote is not sent, an invoice that is finished meanwhile is; then nothing of it all is left."""
    build(bare, "einvoicing")
    before = dump(bare.url)
    with on_trial(temporary, bare.url, EINVOICING) as process:
        said = read_until(process, "validated: the platform has taken it")
        value("update invoicing.invoices set status = 'final' where invoice_number = 'S-2026-4' returning id")
        until(lambda: value("select count(*) from invoicing.invoices where technical_status = 'validated'") == 40)
        until(lambda: value("select count(*) from invoicing.invoice_status where status_code = 205") != 0)
        value("update invoicing.invoices set status = 'draft' where invoice_number = 'S-2026-4' returning id")
        assert (
            value("select count(*) from invoicing.invoices where invoice_type = 'quote' and technical_status <> ''")
            == 0
        )
        said += stopped(process)

    assert process.returncode == 0, said
    assert UNDONE in said
    assert "made from its rows" in said
    assert dump(bare.url) == before


@pytest.mark.slow
@pytest.mark.e2e
def test_what_a_killed_trial_leaves_the_next_one_puts_back(
    temporary: Path, bare: Rows, value: Callable[[str], object]
) -> None:
    build(bare, "einvoicing")
    before = dump(bare.url)
    with on_trial(temporary, bare.url, EINVOICING) as process:
        read_until(process, "validated: the platform has taken it")
        process.kill()
    assert value("select count(*) from invoicing.invoices where technical_status = 'validated'") != 0

    with on_trial(temporary, bare.url, EINVOICING) as process:
        said = read_until(process, UNDONE)
        read_until(process, "ready after")
        rest = stopped(process)

    assert "was not put back. That is done first." in said
    assert process.returncode == 0, rest
    assert dump(bare.url) == before


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("buyers", [False, True])
def test_documents_in_the_rows_go_out_as_they_are_and_their_buyers_are_made_known_on_request(
    temporary: Path, bare: Rows, value: Callable[[str], object], buyers: bool
) -> None:
    build(bare, "french")
    invoice = sample_invoice(3, seller=Company("Vendeur", "732829320"), buyer=UNKNOWN_BUYER)
    with bare.session().transaction():
        bare.run(
            "update billing.customer_invoice set pdf = %(pdf)s, numero = %(numero)s where numero = 'A300'",
            pdf=render(invoice, "facturx"), numero=invoice.number,
        )  # fmt: skip
    before = dump(bare.url)
    more = ("--buyers",) if buyers else ()
    with on_trial(temporary, bare.url, (*FRENCH, *more)) as process:
        read_until(process, "✔ validated" if buyers else "✖ rejected")
        said = stopped(process)

    assert process.returncode == 0, said
    assert dump(bare.url) == before


@pytest.mark.slow
@pytest.mark.e2e
def test_a_folders_files_are_the_documents_that_the_rows_name(
    temporary: Path, tmp_path: Path, bare: Rows, value: Callable[[str], object]
) -> None:
    build(bare, "einvoicing")
    invoice = sample_invoice(3, seller=Company("Lavoie", "732829320"), buyer=UNKNOWN_BUYER)
    bare.run("update invoicing.invoices set invoice_number = %(n)s where id = 1", n=invoice.number)
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026" / "1-facture.xml").write_bytes(render(invoice, "cii"))
    arguments = (EINVOICING[0], "--yes", EINVOICING[2] + " --documents s3://company-documents/out/{id}-facture.xml")
    with on_trial(temporary, bare.url, (*arguments, f"--documents={tmp_path}", "--buyers")) as process:
        said = read_until(process, f"{invoice.number}         ✔ validated")
        said += stopped(process)

    assert process.returncode == 0, said
    assert "waits for its document: there is no file 2-facture.xml in" in said


@pytest.mark.e2e
def test_a_database_that_has_facteur_is_refused_and_untouched(temporary: Path, bare: Rows) -> None:
    build(bare, "einvoicing")
    install(bare, "--documents", "s3://documents/{id}.xml", "--kinds", "standard")
    before = dump(bare.url)

    with on_trial(temporary, bare.url, EINVOICING) as process:
        said, _ = process.communicate()

    assert process.returncode == 2
    assert "Facteur is installed in this database already" in said
    assert dump(bare.url) == before


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("hindrance", "words"),
    [
        ("installed in earnest", "Facteur was installed in earnest since: nothing is changed"),
        ("another trial", "another trial runs on this database"),
    ],
)
def test_a_trial_that_is_in_nobodys_place_is_refused_and_nothing_is_changed(
    temporary: Path, bare: Rows, hindrance: str, words: str
) -> None:
    build(bare, "einvoicing")
    with closing(Journal(bare.url)) as other:
        if hindrance == "another trial":
            other.claim()
        else:  # after a trial that was killed
            other.begin()
            install(bare, "--documents", "s3://documents/{id}.xml", "--kinds", "standard")
            other.watch()
        before = dump(bare.url)

        with on_trial(temporary, bare.url, EINVOICING) as process:
            said, _ = process.communicate()

        assert process.returncode == 2, said
        assert words in said
        assert dump(bare.url) == before


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--yes", "--init=--submit-from 2026-06-01"), "--kinds"),
        (("--yes",), "--submit-from YYYY-MM-DD"),
        (("--yes", "--init=--bogus"), "No such option: --bogus"),
        (("--yes", "--documents=/nowhere"), "there is no folder /nowhere"),
        ((), "Go on with"),
    ],
)
def test_what_cannot_be_tried_is_said_and_nothing_is_left(
    temporary: Path, bare: Rows, arguments: tuple[str, ...], words: str
) -> None:
    build(bare, "einvoicing")
    before = dump(bare.url)

    with on_trial(temporary, bare.url, (EINVOICING[0], *arguments)) as process:
        said, _ = process.communicate()

    assert process.returncode == 2, said
    assert words in said
    assert dump(bare.url) == before


@pytest.mark.e2e
def test_a_database_that_does_not_answer_is_said_in_a_sentence(temporary: Path, bare: Rows) -> None:
    with on_trial(temporary, f"{bare.url}_that_is_not_there", EINVOICING) as process:
        said, _ = process.communicate()

    assert process.returncode == 2, said
    assert "nothing was done: " in said
    assert "does not exist" in said
