"""Installed on what companies have: each shape all the way, from `facteur init` to the verdict in the company's own columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from facteur.install.migrate import migrate
from local.invoices import render, sample_invoice
from local.simulator.core.control import Simulator
from local.world.aws import Aws
from local.world.levers import built_world
from local.world.postgres import WORKER, create_worker
from local.world.stack import create_bucket
from tests.installations import DOCUMENTS, build, contents, install, snapshot
from tests.rows import Rows

ALSO_ON_DEBIAN = True

OPTIONS = {"mission": ("--documents", DOCUMENTS), "french": (), "partitioned": ("--final", "final"), "large": ()}
VALUES = {"mission": {"code_type": "varchar(10)"}, "large": {"rows": "3000"}}
TABLES = {
    "mission": "invoicing.invoices",
    "french": "billing.customer_invoice",
    "partitioned": "sales.invoices",
    "large": "public.factures",
}
FINISHED = {
    "mission": "insert into invoicing.invoices (seller_id, invoice_number, created_at, total_amount, status) "
    "values (1, 'F-2026-1', '2026-10-01', 120, 'final') returning id::text",
    "french": "insert into billing.customer_invoice (numero, siren_emetteur, date_emission, montant_ttc, statut, pdf) "
    "values ('A-1', '732829320', '2026-10-01', 120, 'validée', '%PDF-1.7') returning id::text",
    "partitioned": "insert into sales.invoices (issue_date, invoice_number, seller_siret, total_ttc, document_url, status) "
    "values ('2026-10-01', 'P-1', '73282932000074', 120, 's3://documents/1.pdf', 'final') returning id::text",
    "large": "insert into factures (numero, siren, date_facture, total_ttc, document_uri, statut) "
    "values ('L-1', '732829320', '2026-10-01', 120, 's3://documents/1.pdf', 'emise') returning id::text",
}
TOUCH_ALL = {
    "mission": "business_status = 'x'",
    "french": "montant_ttc = 1",
    "partitioned": "total_ttc = 1",
    "large": "total_ttc = 2",
}
STATUS = """
insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, label, message, occurred_at)
select %(code)s, s.id, s.platform_id, %(code)s, %(code)s, 'Mise à disposition du destinataire, par sa plateforme', 'seen',
       '2026-10-02 10:00+00' from facteur.submissions s where s.id = %(id)s
"""


def built(bare: Rows, shape: str) -> None:
    build(bare, shape, **VALUES.get(shape, {}))


def finished(bare: Rows, shape: str) -> str:
    """An invoice that the company's application finishes after the installation; its key."""
    return str(bare.value(FINISHED[shape]))


@pytest.mark.parametrize("columns", [("--add-columns",), ()])
def test_a_draft_from_before_the_installation_is_deposited_once_it_is_finished_and_an_old_invoice_is_not(
    bare: Rows, columns: tuple[str, ...]
) -> None:
    built(bare, "large")
    bare.run(
        "insert into factures (numero, siren, date_facture, total_ttc) values ('B-1', '732829320', '2026-09-20', 5)"
    )
    install(bare, *columns, submit_from="2026-09-15")

    bare.run("update factures set statut = 'emise', document_uri = 's3://documents/b' where numero = 'B-1'")
    bare.run("update factures set total_ttc = 2 where id <= 100")
    bare.look()

    assert bare.run("select invoice_number from facteur.submissions")[0].invoice_number == "B-1"
    assert len(bare.noted_invoices()) == 1


@pytest.mark.parametrize("shape", OPTIONS)
def test_a_finished_invoice_is_deposited_and_the_companys_own_columns_say_so(bare: Rows, shape: str) -> None:
    built(bare, shape)
    install(bare, *OPTIONS[shape], "--add-columns", submit_from="2026-09-15")
    invoice = finished(bare, shape)

    assert bare.look().opened == 1
    bare.reach(invoice, "submitted")

    columns = "technical_status, submission_id, last_technical_update is not null"
    row = bare.run(f"select {columns} from {TABLES[shape]} where id::text = %(id)s", id=invoice)[0]
    assert tuple(row) == ("validated", bare.submission(invoice).platform_id, True)
    read = bare.run("select * from facteur.read_invoices(array[%(id)s], 0)", id=invoice)[0]
    assert (read.seller_siren, read.total, str(read.issue_date), read.currency) == (
        "732829320",
        120,
        "2026-10-01",
        "EUR",
    )
    assert bare.notes() == []


@pytest.mark.parametrize("shape", OPTIONS)
@pytest.mark.parametrize("columns", [(), ("--add-columns",)], ids=["no column added", "columns added"])
def test_old_rows_that_are_touched_are_not_submitted(bare: Rows, shape: str, columns: tuple[str, ...]) -> None:
    built(bare, shape)
    said = install(bare, *OPTIONS[shape], *columns, submit_from="2026-09-25")

    bare.run(f"update {TABLES[shape]} set {TOUCH_ALL[shape]}")

    assert "Ready, and so deposited next: 0" in said.out
    assert bare.notes()
    assert bare.look().opened == 0
    assert bare.value("select facteur.note_forgotten(true)") == 0
    assert bare.value("select count(*) from facteur.submissions") == 0


@pytest.mark.parametrize("shape", OPTIONS)
def test_nothing_but_the_trigger_is_added_and_no_row_is_written(bare: Rows, shape: str) -> None:
    built(bare, shape)
    before, rows = snapshot(bare.url), contents(bare, TABLES[shape])

    install(bare, *OPTIONS[shape])

    added = [line for line in snapshot(bare.url).splitlines() if line and line not in before.splitlines()]
    assert added
    assert all("TRIGGER facteur_" in line or line.startswith("-- Name: ") for line in added)
    assert contents(bare, TABLES[shape]) == rows


@pytest.mark.parametrize("shape", ["french", "partitioned", "large"])
def test_without_columns_of_its_own_a_deposited_invoice_is_never_opened_again(bare: Rows, shape: str) -> None:
    built(bare, shape)
    install(bare, *OPTIONS[shape], submit_from="2026-09-25")
    invoice = finished(bare, shape)
    bare.look()
    bare.reach(invoice, "submitted")

    bare.run(f"update {TABLES[shape]} set {TOUCH_ALL[shape]}")

    assert bare.look().opened == 0
    assert bare.states(invoice) == ["submitted"]


@pytest.mark.parametrize(("code_type", "shown"), [("varchar(10)", ["203", "REFUSED_AS"]), ("integer", [203])])
def test_the_companys_history_has_each_status_once(bare: Rows, code_type: str, shown: list[Any]) -> None:
    build(bare, "mission", code_type=code_type)
    install(bare, *OPTIONS["mission"])
    invoice = finished(bare, "mission")
    bare.look()
    bare.reach(invoice, "submitted")

    for code in ("203", "REFUSED_AS_A_WORD"):
        bare.run(STATUS, code=code, id=bare.submission(invoice).id)
    for _ in range(2):
        bare.run("update facteur.status_events set written_at = null")
        assert bare.value("select facteur.try_write_back(id) from facteur.submissions") is True

    rows = bare.run("select * from invoicing.invoice_status where invoice_id::text = %(id)s order by id", id=invoice)
    assert [row.status_code for row in rows] == shown
    assert (rows[0].status_label, rows[0].client_comment) == ("Mise à disposition du destinataire, par ", "seen")
    assert bare.submission(invoice).write_back_error is None


def test_a_row_of_every_partition_is_seen_and_written(bare: Rows) -> None:
    built(bare, "partitioned")
    install(bare, *OPTIONS["partitioned"], "--add-columns", submit_from="2025-01-01")
    days = ("2025-03-01", "2026-03-01", "2026-09-01")

    invoices = [str(bare.value(FINISHED["partitioned"].replace("2026-10-01", day))) for day in days]
    bare.look()

    assert bare.noted_invoices() == sorted(invoices)
    for invoice in invoices:
        bare.reach(invoice, "rejected")
    said = bare.run(
        "select tableoid::regclass::text from sales.invoices where technical_status = 'rejected' order by 1"
    )
    assert [row.tableoid for row in said] == [
        "sales.invoices_2025",
        "sales.invoices_2026_first",
        "sales.invoices_2026_second",
    ]


def test_a_trigger_of_the_companys_with_short_names_runs_with_the_write_back(bare: Rows) -> None:
    built(bare, "french")
    bare.run(
        "create table journal (what text); create function billing.keep() returns trigger language plpgsql as "
        "'begin insert into journal values (new.numero); return new; end'; "
        "create trigger keep before update on billing.customer_invoice for each row execute function billing.keep()"
    )
    install(bare, "--add-columns")
    invoice = finished(bare, "french")
    bare.look()

    bare.reach(invoice, "submitted")

    assert bare.submission(invoice).write_back_error is None
    assert [row.what for row in bare.run("select what from journal")] == ["A-1"]


def test_the_missions_schema_is_served_by_the_real_handlers(
    bare: Rows, simulator: Simulator, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(bare, "mission", code_type="varchar(10)")
    sample = sample_invoice(1)
    bare.run("update invoicing.sellers set legal_identifier = %(siret)s", siret=sample.seller.siren + "00011")
    create_worker(bare.url)
    migrate(
        bare.database, worker_role=WORKER
    )  # the stack is deployed first, and its worker may do no more than it must
    install(bare, "--documents", DOCUMENTS)
    with built_world(bare.url, simulator, aws, tmp_path, monkeypatch.setenv) as world:
        number, total = sample.number, sample.total
        key = bare.value(
            FINISHED["mission"].replace("'F-2026-1'", "%(number)s").replace("120", "%(total)s"),
            number=number,
            total=total,
        )
        s3 = aws.session.client("s3", endpoint_url=aws.endpoint_url)
        name = f"factur-x/{key}-factur-x.xml"
        s3.put_object(Bucket=create_bucket(aws, "documents"), Key=name, Body=render(sample, "cii"))
        world.deposit()
        world.advance(10)
        world.poll()

    row = bare.run("select technical_status, submission_id from invoicing.invoices where id::text = %(id)s", id=key)[0]
    (deposit,) = simulator.ledger(sample.number)
    assert tuple(row) == ("validated", bare.submission(key).platform_id)
    assert deposit["id"] == row.submission_id
    codes = [
        row.status_code for row in bare.run("select status_code from invoicing.invoice_status order by created_at, id")
    ]
    assert {"200", "201", "203"} <= set(codes)


def test_the_view_says_what_is_finished_and_waits_for_its_document(bare: Rows) -> None:
    built(bare, "large")
    install(bare, "--add-columns", submit_from="2026-09-15")
    bare.run(
        "insert into factures (numero, siren, date_facture, total_ttc, statut, document_uri) values "
        "('waits', '732829320', '2026-10-01', 1, 'emise', null), ('draft', '732829320', '2026-10-01', 1, 'brouillon', null), "
        "('goes', '732829320', '2026-10-01', 1, 'emise', 's3://documents/1'), ('old', '732829320', '2026-01-01', 1, 'emise', null)"
    )

    waiting = bare.run("select invoice_number from facteur.invoice_source where finished and not ready")

    assert [row.invoice_number for row in waiting] == ["waits"]


def test_where_documents_lie_by_a_pattern_a_finished_invoice_without_a_day_of_issue_is_not_silent(bare: Rows) -> None:
    built(bare, "mission")
    install(bare, *OPTIONS["mission"], submit_from="2026-09-15")
    finished(bare, "mission")
    bare.run("alter table invoicing.invoices alter created_at drop not null")
    bare.run("update invoicing.invoices set created_at = null, technical_status = 'pending'")

    bare.relay.vitals()

    assert bare.value("select not_ready from facteur.installation") > 0
    assert bare.value("select count(*) from facteur.invoice_source where ready") == 0
