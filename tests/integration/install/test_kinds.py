"""Which documents of a table are invoices: facteur init asks, and installs nothing without an answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from facteur.errors import ConfigurationError
from facteur.install.migrate import migrate
from tests.installations import DOCUMENTS, build, install
from tests.operator import Operator, Printed
from tests.rows import Rows

ALSO_ON_DEBIAN = True

APPLY = ("--apply", "--yes", "--submit-from", "2026-09-01")
NAMED = ("--kinds", "standard,deposit,final", "--kinds", "credit_note")
FINISH = """
insert into invoicing.invoices (invoice_number, issue_date, seller_id, total, status, invoice_type)
values (%(kind)s || '-1', '2026-10-01', 1, 120, 'final', %(kind)s) returning id::text
"""


@pytest.fixture
def company(bare: Rows) -> Rows:
    build(bare, "einvoicing")
    return bare


def asked(bare: Rows, *options: str, answer: str = "") -> Printed:
    return Operator(bare.url).run("init", "--documents", DOCUMENTS, *options, answer=answer)


def installed(bare: Rows) -> bool:
    return bare.value("select to_regnamespace('facteur')") is not None


def finished(bare: Rows, kind: str) -> str:
    return str(bare.value(FINISH, kind=kind))


@pytest.mark.parametrize("options", [(), APPLY])
def test_without_an_answer_nothing_is_installed_and_the_option_is_named(
    company: Rows, options: tuple[str, ...]
) -> None:
    result = asked(company, *options)

    assert result.code == 2
    assert "--kinds KIND,KIND;" in result.err
    assert "invoice_type: standard (40), quote (12), credit_note (4)" in result.err
    assert not installed(company)


def test_a_person_at_a_terminal_is_asked(company: Rows) -> None:
    result = asked(
        company, "--apply", "--submit-from", "2026-09-01", answer="standard,deposit,final,credit_note\ny\nwe begin\n"
    )

    assert result.code == 0, result.err
    assert "quote: 12 documents" in result.err
    named = re.findall(r"invoice_type operator\(pg_catalog\.=\) '(\w+)'", result.out)
    assert set(named) == {"standard", "deposit", "final", "credit_note"}


def test_a_finished_quote_is_never_ready(company: Rows) -> None:
    install(company, "--documents", DOCUMENTS, *NAMED)

    invoices = [finished(company, kind) for kind in ("standard", "deposit", "final", "credit_note")]
    quote = finished(company, "quote")
    company.run("update invoicing.invoices set total = 7 where id = %(id)s", id=quote)
    company.look()
    company.run("select facteur.note_forgotten(true)")
    company.look()

    assert company.noted_invoices() == sorted(invoices)
    reason = company.value("select facteur.not_ready_because(%(id)s)", id=quote)
    assert reason.startswith("its kind quote was not named as an invoice's")
    assert "submit-backlog" not in Operator(company.url).run("show", f"id:{quote}").out


def test_a_quote_that_becomes_an_invoice_goes(company: Rows) -> None:
    install(company, "--documents", DOCUMENTS, *NAMED)
    quote = finished(company, "quote")
    company.look()

    company.run("update invoicing.invoices set invoice_type = 'standard' where id = %(id)s", id=quote)
    company.look()

    assert company.noted_invoices() == [quote]


def test_rows_that_would_go_and_rows_that_would_not_are_shown_without_their_content(company: Rows) -> None:
    result = asked(company, *NAMED)

    going, staying = result.out.partition("would go")[2].partition("would not go")[::2]
    assert len(re.findall(r"^    \d+: ", going, re.MULTILINE)) == 3
    assert "Q-2026-" not in going
    assert re.findall(r": (Q-2026-\d+) *, final, quote", staying.partition("In one transaction")[0])
    assert "Garnier" not in result.out


def test_a_kind_that_comes_later_is_not_ready_and_is_reported(company: Rows) -> None:
    install(company, "--documents", DOCUMENTS, *NAMED)
    finished(company, "quote")
    later = finished(company, "proforma")

    company.look()

    assert later not in company.noted_invoices()
    assert company.relay.unnamed_kinds() == {"proforma": 1}
    shown = Operator(company.url).run("preview").out
    assert "1 finished document of kind proforma is not deposited" in shown
    assert "of kind quote" in shown
    found = {each["check"]: each for each in Operator(company.url).ask("doctor")["findings"]}
    assert "proforma (1 finished)" in found["kinds"]["what"]
    company.run("select facteur.leave_out('proforma')")
    assert company.relay.unnamed_kinds() == {}


@pytest.mark.parametrize(
    ("column", "kinds", "named", "goes", "stays"),
    [
        ("nature text not null default 'facture'", "", "facture,avoir", "'avoir'", "'devis'"),
        ("categorie invoicing.categorie not null default 'facture'", "", "facture", "'facture'", "'devis'"),
        ("is_quote boolean not null default false", "", "is_quote=false", "false", "true"),
        ("type_document smallint not null default 380", "", "380, 381", "381", "310"),
        ("flux varchar(20) not null default 'Facture'", "", "Facture", "'Facture'", "'Devis'"),
        ('"typePiece" text', "", "F", "'F'", "null"),
        ("kind_id integer not null default 1 references invoicing.document_kinds", "", "Facture", "1", "2"),
    ],
)  # fmt: skip
def test_however_a_table_names_kinds_it_is_asked_and_the_others_stay(
    bare: Rows, column: str, kinds: str, named: str, goes: str, stays: str
) -> None:
    build(bare, "mission", code_type="integer")
    bare.run("create type invoicing.categorie as enum ('facture', 'avoir', 'devis'); "
             "create table invoicing.document_kinds (id integer primary key, label text); "
             "insert into invoicing.document_kinds values (1, 'Facture'), (2, 'Devis')")  # fmt: skip
    bare.run(f"alter table invoicing.invoices add {column}")
    name = column.split()[0]
    bare.run(f"update invoicing.invoices set {name} = {stays} where id %% 3 = 0", _=1)

    unasked = asked(bare)
    install(bare, "--documents", DOCUMENTS, "--kinds", named)
    statement = (
        f"insert into invoicing.invoices (seller_id, invoice_number, created_at, total_amount, status, {name}) "
        "values (1, %(number)s, '2026-10-01', 120, 'final', {}) returning id::text"
    )
    going = bare.value(statement.format(goes), number="G-1")
    staying = bare.value(statement.format(stays), number="S-1")
    bare.look()

    assert unasked.code == 2
    assert f"--kinds '{name.strip(chr(34))}=*'" in unasked.err
    assert bare.noted_invoices() == [going]
    assert bare.value("select other_kind from facteur.invoice_source where invoice_id::text = %(id)s", id=staying)


def test_two_columns_that_name_kinds_are_both_asked(company: Rows) -> None:
    company.run("alter table invoicing.invoices add est_un_modele boolean not null default false")

    one = asked(company, *NAMED)
    both = asked(company, *NAMED, "--kinds", "est_un_modele=false")
    unclear = asked(company, "--kinds", "bon")

    assert (one.code, both.code, unclear.code) == (2, 0, 2)
    assert "est_un_modele: false (64)" in one.err
    assert "several columns name kinds" in unclear.err


def test_all_kinds_may_be_invoices_if_somebody_says_so(company: Rows) -> None:
    install(company, "--documents", DOCUMENTS, "--kinds", "invoice_type=*")
    quote = finished(company, "quote")
    company.look()

    assert company.noted_invoices() == [quote]
    found = {each["check"]: each for each in Operator(company.url).ask("doctor")["findings"]}
    assert found["kinds"]["outcome"] == "ok"


@pytest.mark.parametrize(
    ("given", "result"),
    [
        ("colour=red", "kinds are named by invoice_type"),
        ("invoice_type=", "--kinds KIND,KIND"),
        ("standrad", "there is standard"),
        ("quotte", "there is quote"),
    ],
)
def test_an_answer_that_names_nothing_is_refused(company: Rows, given: str, result: str) -> None:
    answer = asked(company, "--kinds", given, *APPLY)

    assert (answer.code, result in answer.err, installed(company)) == (2, True, False)


def test_a_table_that_names_no_kinds_takes_none(bare: Rows) -> None:
    build(bare, "mission", code_type="integer")

    result = asked(bare, "--kinds", "standard")

    assert result.code == 2
    assert "--column kind=" in result.err


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        (
            (r"and \(i\.invoice_type .*?'credit_note'\)", ""),
            "12 documents|9 documents|documents as ready that are of other kinds",
        ),
        ((r"and \(i\.invoice_type .*?'credit_note'\)|,\s+case when.*?as other_kind", ""), "does not ask invoice_type"),
    ],
)
def test_an_edited_mapping_that_does_not_ask_for_the_kind_is_not_installed(
    company: Rows, tmp_path: Path, edit: tuple[str, str], result: str
) -> None:
    company.run("update invoicing.invoices set issue_date = '2026-10-01', technical_status = 'pending'")
    file = tmp_path / "mapping.sql"
    assert asked(company, *NAMED, "--mapping", str(file)).code == 0
    file.write_text(re.sub(*edit, file.read_text(), flags=re.DOTALL))

    answer = asked(company, *NAMED, "--mapping", str(file), *APPLY)

    assert answer.code == 2
    assert re.search(result, answer.err), answer.err
    assert not installed(company)


READY = "create or replace view facteur.invoice_source as select {}, {} from invoicing.invoices i"
COLUMNS = "i.id as invoice_id, i.status = 'final' as ready, i.invoice_number, '732829320' as seller_siren, i.issue_date"


def test_a_view_that_calls_a_document_ready_and_of_another_kind_is_not_believed(company: Rows) -> None:
    install(company, "--documents", DOCUMENTS, *NAMED)
    company.run("drop view facteur.invoice_source")
    company.run(READY.format(COLUMNS, "case when i.invoice_type = 'quote' then 'quote' end as other_kind"))

    quote, invoice = finished(company, "quote"), finished(company, "standard")
    company.look()

    assert company.noted_invoices() == [invoice]
    assert quote not in company.noted_invoices()


def test_doctor_says_that_a_view_edited_afterwards_does_not_ask_for_the_kind(company: Rows) -> None:
    install(company, "--documents", DOCUMENTS, *NAMED)
    company.run("drop view facteur.invoice_source; update facteur.installation set added = '[]'")
    company.run(READY.format(COLUMNS, "'s3://documents/1' as document_uri"))

    found = {each["check"]: each for each in Operator(company.url).ask("doctor")["findings"]}

    assert found["kinds"]["outcome"] == "warning"
    assert "does not ask invoice_type" in found["kinds"]["what"]


@pytest.mark.parametrize("kinds", [None, "standard,deposit,final,credit_note"])
def test_a_deploy_that_installs_asks_as_well(company: Rows, kinds: str | None) -> None:
    def deploy() -> Any:
        return migrate(company.database, install_capture=True, submit_from="2026-09-01", invoice_kinds=kinds)

    if kinds is None:
        with pytest.raises(ConfigurationError, match=r"needs INVOICE_KINDS.*quote"):
            deploy()
        assert company.value("select to_regclass('facteur.invoice_source')") is None
        return
    assert deploy().watching
    company.run("update invoicing.invoices set document_uri = 's3://documents/1.xml', issue_date = '2026-10-01'")
    company.look()
    opened = company.run(
        "select distinct invoice_type from invoicing.invoices where id::text = any (%(ids)s)",
        ids=company.noted_invoices(),
    )
    assert {row.invoice_type for row in opened} == {"standard", "deposit", "final", "credit_note"}
    assert {row.kind: row.left_out for row in company.run("select * from facteur.other_kinds()")} == {"quote": True}


@pytest.mark.parametrize(
    ("condition", "ready"),
    [
        ("client_id is not null", True),
        ("i.contract_number is null -- public buyers go another way", True),
        ("invoice_number like 'S-%' and payment_method is distinct from 'cash'", True),
        ("business_status = 'sent'", False),
    ],
)
def test_a_condition_of_the_companys_own_is_part_of_ready(company: Rows, condition: str, ready: bool) -> None:
    install(company, "--documents", DOCUMENTS, *NAMED, "--where", condition)

    invoice = finished(company, "standard")
    company.run("update invoicing.invoices set invoice_number = 'S-9', client_id = 1 where id = %(id)s", id=invoice)
    company.look()

    assert (invoice in company.noted_invoices()) is ready


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ("client_id", "must be type boolean"),
        ("kunde = 1", "does not exist"),
        ("true) or (true", "syntax error"),
        ("true then 1 end, case when true", "syntax error"),
        ("true; drop table invoicing.clients", "syntax error"),
        ("true /*", "comment"),
        ("count(*) > 1", "aggregate"),
        ("exists (select from invoicing.clients c where c.id = i.client_id and c.is_company)", "own row alone"),
        ("", "syntax error"),
    ],
)
def test_a_condition_that_is_none_is_refused_before_anything_is_run(company: Rows, condition: str, result: str) -> None:
    answer = asked(company, *NAMED, "--where", condition, *APPLY)

    assert answer.code == 2
    assert result in answer.err
    assert not installed(company)
    assert company.value("select count(*) from invoicing.clients") == 1


@pytest.mark.slow
def test_a_table_that_somebody_holds_is_not_waited_for(company: Rows) -> None:
    migration = company.session()
    migration.rows("begin")
    migration.rows("lock table invoicing.invoices in access exclusive mode")

    result = asked(company, *NAMED)
    unasked = asked(company)

    migration.rows("commit")
    assert result.code == 0, result.err
    assert "could not be counted" in result.out
    assert (unasked.code, "--kinds" in unasked.err) == (2, True)
