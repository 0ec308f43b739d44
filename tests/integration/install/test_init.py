"""facteur init: it looks without a trace, says what it would do and with which locks, and does it all or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from facteur.install.schema import migrate_schema
from functions.migrate_database import app as migrate_database
from local.sam import ROOT
from local.world.levers import World
from tests.installations import DOCUMENTS, contents, install, snapshot
from tests.integration.install.test_shapes import OPTIONS, TABLES, built, finished
from tests.operator import Operator, Printed
from tests.rows import Rows

ALSO_ON_DEBIAN = True

APPLY = ("--apply", "--yes", "--submit-from", "2026-09-01")
LOCKS = "select mode from pg_locks where relation = 'public.factures'::regclass order by 1"


def asked(bare: Rows, *options: str, answer: str = "") -> Printed:
    return Operator(bare.url).run("init", *options, answer=answer)


def plan(bare: Rows, *options: str) -> Any:
    return Operator(bare.url).ask("init", *options)["plan"]


@pytest.mark.parametrize("shape", OPTIONS)
def test_reading_the_catalogue_changes_nothing(bare: Rows, shape: str) -> None:
    built(bare, shape)
    before, rows = snapshot(bare.url), contents(bare, TABLES[shape])

    result = asked(bare, *OPTIONS[shape])

    assert result.code == 0, result.err
    assert (snapshot(bare.url), contents(bare, TABLES[shape])) == (before, rows)
    assert bare.value("select to_regnamespace('facteur')") is None


def test_reading_the_catalogue_waits_for_nobody_who_holds_the_table(bare: Rows) -> None:
    built(bare, "french")
    migration = bare.session()
    migration.rows("begin")
    migration.rows("lock table billing.customer_invoice in access exclusive mode")

    result = asked(bare)

    migration.rows("commit")
    assert result.code == 0


def test_what_was_chosen_is_said(bare: Rows) -> None:
    built(bare, "mission")

    chosen = {each["part"]: each["chosen"] for each in plan(bare, "--documents", DOCUMENTS)["choices"]}

    assert chosen["issue_date"] == "created_at (timestamp with time zone)"
    assert chosen["seller_siren"] == "invoicing.sellers.legal_identifier, by seller_id"
    assert chosen["finished"] == "status = final"
    assert chosen["history"].startswith("invoicing.invoice_status")


def test_every_statement_says_its_lock_and_whom_it_blocks(bare: Rows) -> None:
    built(bare, "large")

    steps = plan(bare, "--add-columns")

    locks = [
        (each["lock"], each["blocks"].partition(",")[0])
        for each in (*steps["steps"], *steps["triggers"], steps["count"])
    ]
    assert locks == [
        (None, "nobody: no table of yours is touched"),
        ("ACCESS EXCLUSIVE", "readers and writers"),
        ("ACCESS EXCLUSIVE", "readers and writers"),
        ("ACCESS SHARE", "nobody"),
        ("SHARE ROW EXCLUSIVE", "writers"),
        ("ACCESS SHARE", "nobody"),
    ]
    assert "3,000 rows" in steps["count"]["lasts"]
    assert not steps["counts_first"]


@pytest.mark.parametrize("part", ["steps", "triggers"])
def test_a_statement_takes_the_lock_that_was_said(bare: Rows, part: str) -> None:
    built(bare, "large")
    steps = [each for each in plan(bare, "--add-columns")[part] if each["statement"]]
    migrate_schema(bare.database)

    for step in steps:
        bare.run("begin")
        bare.run(step["statement"])
        taken = {row.mode for row in bare.run(LOCKS)}
        bare.run("commit")
        assert step["lock"].title().replace(" ", "") + "Lock" in taken


def test_tables_that_look_alike_are_listed_and_one_may_be_named(bare: Rows) -> None:
    built(bare, "french")
    bare.run("create table billing.client_invoice (like billing.customer_invoice including all)")

    result = asked(bare)

    assert result.code == 2
    assert "billing.client_invoice" in result.err
    assert "billing.customer_invoice" in result.err
    assert "supplier" not in result.err
    assert plan(bare, "--table", "billing.client_invoice")["table"] == "billing.client_invoice"


@pytest.mark.parametrize(
    ("shape", "options", "result"),
    [
        ("mission", (), "--documents"),
        ("mission", ("--documents", "s3://documents/x.xml"), "a column's name in braces"),
        ("mission", ("--documents", "s3://documents/{key}.xml"), "no column key"),
        ("partitioned", (), "--final"),
        ("french", ("--table", "billing.nothing"), "no table billing.nothing"),
        ("french", ("--column", "total=nothing"), "no column nothing"),
        ("french", ("--column", "colour=numero"), "knows no colour"),
        ("french", ("--column", "total"), "give part=column"),
        ("french", ("--column", "date=numero"), "cannot be the date"),
        ("french", ("--seller", "12"), "--seller"),
        ("french", ("--watch", "billing.nothing:id"), "--watch"),
        ("french", ("--apply", "--yes"), "--submit-from"),
        ("french", ("--submit-from", "2026-02-30"), "2026-02-30 is no date: YYYY-MM-DD"),
        ("french", ("--mapping", "/nowhere/m.sql", *APPLY), "cannot be read"),
    ],
)
def test_what_must_be_said_first_is_asked_for_in_a_sentence(
    bare: Rows, shape: str, options: tuple[str, ...], result: str
) -> None:
    built(bare, shape)

    answer = asked(bare, *options)

    assert answer.code == 2
    assert result in answer.err
    assert bare.value("select to_regnamespace('facteur')") is None


def test_a_final_status_that_no_known_row_has_is_reported(bare: Rows) -> None:
    bare.run("create type public.progress as enum ('draft', 'done')")
    bare.run("create table public.invoices (id bigint primary key, invoice_number text, seller_siren text, issue_date date,"
             "total numeric, document_uri text, status public.progress, technical_status text)")  # fmt: skip

    result = asked(bare, "--final", "FINAL")

    assert "no row that the statistics know has FINAL" in result.out + result.err


def test_where_nothing_looks_like_invoices_it_says_so(bare: Rows) -> None:
    assert "no table looks like invoices" in asked(bare).err


def test_without_a_yes_it_asks_and_a_no_changes_nothing(bare: Rows) -> None:
    built(bare, "french")

    refused = asked(bare, "--apply", "--submit-from", "2026-09-01", answer="n\n")
    unasked = asked(bare, "--apply", "--submit-from", "2026-09-01")
    assert bare.value("select to_regnamespace('facteur')") is None
    agreed = asked(bare, "--apply", "--submit-from", "2026-09-01", answer="y\nwe begin\n")

    assert (refused.code, unasked.code, agreed.code) == (2, 2, 0)
    assert "installed on billing.customer_invoice" in agreed.out


@pytest.mark.slow
def test_a_busy_table_makes_it_give_up_and_nothing_is_left_behind(bare: Rows) -> None:
    built(bare, "french")
    before = snapshot(bare.url)
    application = bare.session()
    application.rows("begin")
    application.rows("update billing.customer_invoice set montant_ttc = 2")

    result = asked(bare, *APPLY, "--lock-timeout", "0.05")
    application.rows("commit")

    assert result.code == 2
    assert "nothing was changed" in result.err
    assert bare.value("select to_regnamespace('facteur')") is None
    assert snapshot(bare.url) == before
    assert asked(bare, *APPLY).code == 0


def test_a_mapping_is_written_edited_and_installed(bare: Rows, tmp_path: Path) -> None:
    built(bare, "french")
    file = tmp_path / "mapping.sql"

    assert asked(bare, "--mapping", str(file)).code == 0
    file.write_text(file.read_text().replace("'default' as account", "'sud' as account"))
    kept = asked(bare, "--mapping", str(file))
    install(bare, "--mapping", str(file))
    invoice = finished(bare, "french")
    bare.look()

    assert kept.code == 2
    assert "differs" in kept.err
    assert bare.submission(invoice).account == "sud"


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        (("i.numero as", "i.nummer as"), "create the mapping"),
        ((">= (select submit_from from facteur.installation)", "is not null"), "issued before the first day"),
        (("i.pdf is not null", "1 / (length(i.numero) - length(i.numero)) = 1"), "cannot be read"),
    ],
)
def test_a_mapping_that_is_wrong_is_not_installed(
    bare: Rows, tmp_path: Path, edit: tuple[str, str], result: str
) -> None:
    built(bare, "french")
    file = tmp_path / "mapping.sql"
    asked(bare, "--mapping", str(file))
    file.write_text(file.read_text().replace(*edit))

    answer = asked(bare, "--mapping", str(file), *APPLY)

    assert answer.code == 2
    assert result in answer.err
    assert bare.value("select to_regnamespace('facteur')") is None


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        (("i.numero as", "i.nummer as"), "column i.nummer does not exist"),
        (("select ", "selekt "), 'syntax error at or near "selekt"'),
        (("from billing.", "from nowhere."), 'relation "nowhere.'),
        (("i.numero as", "trimm(i.numero) as"), "function trimm("),
        ((" as seller_siren", " as siren"), "the view lacks seller_siren"),
    ],
)
def test_a_mistake_in_a_mapping_is_named_with_its_line(
    bare: Rows, tmp_path: Path, edit: tuple[str, str], result: str
) -> None:
    built(bare, "french")
    file = tmp_path / "mapping.sql"
    asked(bare, "--mapping", str(file))
    view = file.read_text().index("create view")
    file.write_text(file.read_text()[:view] + file.read_text()[view:].replace(*edit, 1))

    answer = asked(bare, "--mapping", str(file), *APPLY)

    assert answer.code == 2
    assert result in answer.err
    found = re.search(r"line (\d+):", answer.err)
    assert (found is None) == ("lacks" in result)
    assert found is None or edit[1] in file.read_text().splitlines()[int(found[1]) - 1]


def test_a_mapping_that_ends_the_transaction_is_reported(bare: Rows, tmp_path: Path) -> None:
    built(bare, "french")
    file = tmp_path / "mapping.sql"
    asked(bare, "--mapping", str(file))
    file.write_text(file.read_text() + "commit;")

    result = asked(bare, "--mapping", str(file), *APPLY)

    assert result.code == 2
    assert "ends the transaction" in result.err


def test_a_mapping_that_is_installed_is_replaced_only_on_purpose_and_not_once_it_has_submissions(bare: Rows) -> None:
    built(bare, "french")
    install(bare)

    again, replaced = asked(bare), asked(bare, "--replace", "--column", "number=siren_emetteur", *APPLY)
    finished(bare, "french")
    bare.look()
    late = asked(bare, "--replace")

    assert (again.code, replaced.code, late.code) == (2, 0, 2)
    assert "--replace" in again.err
    assert bare.value("select invoice_number from facteur.submissions") == "732829320"
    assert "1 submissions" in late.err


def test_the_empty_table_that_a_deploy_made_is_not_taken_for_the_companys(rows: Rows) -> None:
    built(rows, "french")

    result = asked(rows, "--replace", *APPLY)

    assert result.code == 0, result.err
    assert rows.value("select count(*) from facteur.invoice_source") == 300
    assert rows.value("select count(*) from pg_trigger where tgrelid = 'invoicing.invoices'::regclass") == 0


def test_another_table_that_makes_invoices_ready_is_watched_too(bare: Rows) -> None:
    built(bare, "french")
    install(bare, "--watch", "billing.Ligne de facture:facture")

    bare.run('insert into billing."Ligne de facture" select 1, id from billing.customer_invoice limit 1')

    assert len(bare.notes()) == 1


def test_a_role_that_does_not_own_the_table_is_reported(bare: Rows) -> None:
    built(bare, "french")
    bare.run("drop role if exists stranger; create role stranger login; grant usage on schema billing to stranger")

    result = Operator(bare.url.replace("app@", "stranger@")).run("init")

    bare.run("revoke usage on schema billing from stranger; drop role stranger")
    assert result.code == 2
    assert "stranger does not own billing.customer_invoice" in result.err


def test_the_writers_need_no_right_on_facteur_and_nobody_else_may_write_back(bare: Rows) -> None:
    built(bare, "mission")
    install(bare, "--documents", DOCUMENTS)
    functions = "select proname::text, prosecdef, proconfig, has_function_privilege('public', oid, 'execute') as public from pg_proc "

    found = bare.run(functions + "where proname in ('write_back', 'write_status') order by 1")

    assert [tuple(row) for row in found] == [
        ("write_back", True, ["search_path=pg_catalog, public, pg_temp"], False),
        ("write_status", True, ["search_path=pg_catalog, public, pg_temp"], False),
    ]


def test_the_deployed_function_answers_it_with_the_owners_rights(world: World) -> None:
    event = json.loads((ROOT / "events/migrate_database.init.json").read_text())

    result = migrate_database.handler(event, None)

    assert result["error"]["type"] == "OperatorError"
    assert "--replace" in result["error"]["message"]


def test_the_page_shows_what_is_printed(bare: Rows) -> None:
    page = (ROOT / "docs/install.md").read_text("utf-8")
    built(bare, "mission")
    applied = ("--apply", "--submit-from", "2026-09-01")

    for options in ((), ("--documents", DOCUMENTS), ("--documents", DOCUMENTS, *applied)):
        result = asked(bare, *options, answer="y\nwe begin\n")
        shown = result.err + "\n".join(line.rstrip() for line in result.out.strip().splitlines())
        shown = shown if "--apply" not in options else shown[shown.index("✔") :]
        assert shown.strip() in page, f"docs/install.md should show:\n{shown}"
        assert f"$ {' '.join(('facteur init', *options))}\n" in page
    removed = Operator(bare.url).run("uninstall", "--dry-run").out.strip()
    assert removed in page, f"docs/install.md should show:\n{removed}"


@pytest.mark.parametrize("answer", ["y\n", "y\n\n"])
def test_whoever_is_asked_says_why(bare: Rows, answer: str) -> None:
    built(bare, "french")

    silent = asked(bare, "--apply", "--submit-from", "2026-09-01", answer=answer)
    result = asked(bare, "--apply", "--submit-from", "2026-09-01", answer="y\nwe begin\n")
    gone = Operator(bare.url).run("uninstall", "--force", answer="y\nwe stop\n")

    assert (silent.code, result.code, gone.code) == (2, 0, 0)
    assert 'nobody said why, and nothing was done; --why "…" says it' in silent.err
    assert [row.why for row in bare.run("select why from facteur.operations order by id")] == ["we begin", "we stop"]
