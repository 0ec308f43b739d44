"""What was installed goes without a trace, and not while something is still to be deposited."""

from __future__ import annotations

import pytest

from facteur.install.migrate import migrate
from tests.installations import build, contents, install, snapshot
from tests.integration.install.test_shapes import OPTIONS, TABLES, built, finished
from tests.operator import Operator, Printed
from tests.rows import Rows

ALSO_ON_DEBIAN = True

EVERYTHING = ("--drop-data", "--drop-columns")


def uninstalled(bare: Rows, *options: str) -> Printed:
    return Operator(bare.url).run("uninstall", "--yes", *options)


def snapshot_of_facteur(bare: Rows) -> list[str]:
    """The tables of the schema facteur and their triggers."""
    relations = "select oid::regclass::text as name from pg_class where relnamespace = 'facteur'::regnamespace and relkind = 'r'"
    triggers = "select tgrelid::regclass || tgname from pg_trigger where not tgisinternal and tgrelid::regclass::text like 'facteur.%%'"
    return [row.name for row in bare.run(f"{relations} union all {triggers} order by 1")]


@pytest.mark.parametrize("shape", OPTIONS)
@pytest.mark.parametrize("columns", [(), ("--add-columns",)], ids=["no column added", "columns added"])
def test_the_companys_schemas_are_as_they_were(bare: Rows, shape: str, columns: tuple[str, ...]) -> None:
    built(bare, shape)
    before, rows = snapshot(bare.url), contents(bare, TABLES[shape])
    install(bare, *OPTIONS[shape], *columns)
    assert snapshot(bare.url) != before

    said = uninstalled(bare, *EVERYTHING)

    assert said.code == 0, said.err
    assert snapshot(bare.url) == before
    assert contents(bare, TABLES[shape]) == rows
    assert bare.value("select to_regnamespace('facteur')") is None


def test_a_column_and_a_default_of_the_companys_own_stay_and_ours_go(bare: Rows) -> None:
    build(bare, "french")
    bare.run(
        "alter table billing.customer_invoice add technical_status text, add submission_id varchar(40) default 'x'"
    )
    before = snapshot(bare.url)
    install(bare, "--add-columns")
    assert "SET DEFAULT 'pending'" in snapshot(bare.url) or "DEFAULT 'pending'" in snapshot(bare.url)

    uninstalled(bare, *EVERYTHING)

    assert snapshot(bare.url) == before


@pytest.mark.parametrize("table", ["id bigint primary key", "id bigint primary key, technical_status text"])
def test_what_a_deploy_with_install_capture_added_goes_too(bare: Rows, table: str) -> None:
    bare.run(f"create schema invoicing; create table invoicing.invoices ({table})")
    before = snapshot(bare.url)
    migrate(bare.database, install_capture=True, submit_from="2026-09-01")

    uninstalled(bare, *EVERYTHING)

    assert snapshot(bare.url) == before


def test_without_a_wish_the_data_and_the_added_columns_stay_and_it_can_be_installed_again(bare: Rows) -> None:
    built(bare, "french")
    install(bare, "--add-columns")
    invoice = finished(bare, "french")
    bare.look()
    bare.reach(invoice, "submitted")

    own = snapshot_of_facteur(bare)

    said = uninstalled(bare)

    assert snapshot_of_facteur(bare) == own
    assert "stays: the schema facteur with 1 submission" in said.out
    assert "technical_status" in said.out
    assert bare.value("select count(*) from facteur.submissions") == 1
    assert bare.value("select to_regclass('facteur.invoice_source')") is None
    preview = Operator(bare.url).run("preview")
    assert (preview.code, preview.err) == (2, "facteur: no mapping is installed: facteur init\n")
    install(bare, "--add-columns")
    bare.run("update billing.customer_invoice set montant_ttc = 5")
    assert bare.look().opened == 0
    assert uninstalled(bare, "--drop-columns").code == 0
    assert "technical_status" not in snapshot(bare.url)


@pytest.mark.parametrize("state", ["pending", "in_doubt"])
def test_while_something_is_to_be_deposited_it_refuses_unless_forced(bare: Rows, state: str) -> None:
    built(bare, "french")
    install(bare)
    invoice = finished(bare, "french")
    bare.look()
    bare.reach(invoice, state)
    before = snapshot(bare.url)

    rehearsed = Operator(bare.url).run("uninstall", "--dry-run", *EVERYTHING)
    said = uninstalled(bare, *EVERYTHING)

    assert (rehearsed.code, "refused without --force" in rehearsed.out) == (1, True)
    assert said.code == 2
    assert "1 invoice is still being deposited" in said.err
    assert snapshot(bare.url) == before
    assert uninstalled(bare, *EVERYTHING, "--force").code == 0


def test_a_dry_run_shows_the_statements_and_runs_none(bare: Rows) -> None:
    built(bare, "french")
    install(bare)
    before = snapshot(bare.url)

    said = Operator(bare.url).run("uninstall", "--dry-run", *EVERYTHING)

    assert said.code == 0
    assert "on billing.customer_invoice;" in said.out
    assert "drop schema facteur cascade;" in said.out
    assert snapshot(bare.url) == before


def test_the_question_names_the_installation_and_what_is_lost(bare: Rows) -> None:
    built(bare, "french")
    install(bare)
    invoice = finished(bare, "french")
    bare.look()
    bare.reach(invoice, "submitted")

    said = Operator(bare.url).run("uninstall", *EVERYTHING, answer="n\n")

    assert said.code == 2
    assert "what is known of 1 submissions, 1 of them deposited, is lost" in said.err
    assert bare.value("select count(*) from facteur.submissions") == 1


def test_somebody_elses_view_does_not_vanish_with_the_data(bare: Rows) -> None:
    built(bare, "french")
    install(bare)
    bare.run("create view billing.report as select invoice_id, state from facteur.submissions")

    said = uninstalled(bare, "--drop-data")

    assert said.code == 2
    assert "billing.report" in said.err
    assert bare.value("select to_regclass('billing.report')") is not None


def test_a_busy_table_makes_it_give_up_and_changes_nothing(bare: Rows) -> None:
    built(bare, "french")
    install(bare)
    before = snapshot(bare.url)
    application = bare.session()
    application.rows("begin")
    application.rows("update billing.customer_invoice set montant_ttc = 2")

    said = uninstalled(bare, *EVERYTHING, "--lock-timeout", "0.05")
    application.rows("commit")

    assert said.code == 2
    assert "nothing was changed" in said.err
    assert snapshot(bare.url) == before


def test_a_writer_who_makes_it_wait_is_never_made_to_wait_for_it(bare: Rows) -> None:
    built(bare, "french")
    install(bare)
    application = bare.session()
    application.rows("begin")
    application.rows("lock table billing.customer_invoice in row exclusive mode")

    with bare.in_background(lambda: uninstalled(bare, *EVERYTHING, "--lock-timeout", "20")) as uninstalling:
        bare.wait_for_blocked()
        application.rows("update billing.customer_invoice set montant_ttc = 2")
        application.rows("commit")

    assert uninstalling.result().code == 0
    assert bare.value("select count(*) from billing.customer_invoice where montant_ttc = 2") == 300


def test_submissions_of_one_table_are_never_taken_for_those_of_another(bare: Rows) -> None:
    built(bare, "partitioned")
    bare.run("create table sales.customer_invoices (like sales.invoices including all)")
    install(bare, "--table", "sales.invoices", *OPTIONS["partitioned"])
    finished(bare, "partitioned")
    bare.look()
    uninstalled(bare, "--force")

    other = Operator(bare.url).run("init", "--table", "sales.customer_invoices", *OPTIONS["partitioned"])

    assert other.code == 2
    assert "known here by the keys of sales.invoices" in other.err


def test_without_a_yes_it_asks_and_a_no_changes_nothing(bare: Rows) -> None:
    built(bare, "french")
    install(bare)
    before = snapshot(bare.url)

    refused = Operator(bare.url).run("uninstall", *EVERYTHING, answer="n\n")
    unasked = Operator(bare.url).run("uninstall", *EVERYTHING)

    assert (refused.code, unasked.code) == (2, 2)
    assert "--yes" in unasked.err
    assert snapshot(bare.url) == before


def test_where_nothing_is_installed_there_is_nothing_to_take_away(bare: Rows) -> None:
    said = uninstalled(bare)

    assert said.code == 2
    assert "no schema facteur" in said.err
