"""What an adversary found about the default mapping on a table where another connector was at work."""

from __future__ import annotations

from facteur.install.migrate import migrate
from tests.operator import Operator
from tests.rows import Rows

TABLE = """
create schema invoicing;
create table invoicing.invoices (id bigint primary key, status text, invoice_number text, seller_siren text, issue_date date,
                                 total numeric(12, 2), currency text, document_uri text, submission_id varchar(50));
insert into invoicing.invoices values (1, 'final', 'F-1', '732829320', '2026-07-01', 1, 'EUR', 's3://b/1.pdf', '0199-other')
"""
SIGNED = ("--why", "July was never sent", "--who", "jane@desk", "--yes")


def test_a_backlog_leaves_alone_what_another_connector_deposited_by_the_default_mapping(
    bare: Rows, database_url: str
) -> None:
    bare.run(TABLE)
    migrate(bare.database, install_capture=True, submit_from="2026-09-01")

    Operator(bare.url).run("submit-backlog", "--since", "2026-07-01", "--apply", *SIGNED)
    bare.look()

    assert bare.noted_invoices() == []
    assert bare.value("select submission_id from invoicing.invoices") == "0199-other"


def test_a_silent_row_that_shows_a_deposit_is_another_connectors_and_not_a_draft(rows: Rows) -> None:
    rows.run("update facteur.installation set installed_from = '2026-01-01'")  # on a table that lived
    theirs = rows.finish()
    ours = rows.finish()
    rows.update(theirs, technical_status=None, submission_id="theirs-1")
    rows.update(ours, technical_status=None)

    rows.look()

    assert rows.noted_invoices() == [ours]
