"""What is chosen, without a database: which table, which columns, and what a person is shown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from facteur.errors import OperatorError
from facteur.install.columns import choose_columns
from facteur.install.documents import address
from facteur.install.mapping import mapping_sql
from facteur.install.model import Column, Found, Table, Wish
from facteur.install.tables import choose_table, key_of

KINDS = {"bigint": "int8", "timestamp with time zone": "timestamptz", "character varying(20)": "varchar"}
INVOICE = {
    "id": "bigint", "invoice_number": "text", "issue_date": "date", "seller_siren": "text", "total": "numeric",
    "document_uri": "text", "status": "text",
}  # fmt: skip


def column(name: str, kind: str, values: tuple[str, ...] = ()) -> Column:
    length = re.search(r"\((\d+)\)", kind)
    return Column(
        name, name, kind, KINDS.get(kind, kind.partition("(")[0]), int(length[1]) if length else None, values=values
    )


def table(
    name: str, columns: dict[str, str] = INVOICE, key: tuple[str, ...] = ("id",), **values: tuple[str, ...]
) -> Table:
    made = tuple(column(each, kind, values.get(each, ())) for each, kind in columns.items())
    return Table(name, name, 0, False, True, 10, 8192, made, key)


def found(*tables: Table) -> Found:
    return Found(tables, False, 0, None, (), True, "owner", ("public",))


def remarks(of: Table, **wish: Any) -> str:
    return " ".join(choose_columns(found(of), of, Wish(**wish)).remarks)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["a.invoices", "a.invoice_lines", "a.supplier_invoices"], "a.invoices"),
        (["billing.facture", "billing.facture_fournisseur", "billing.payments"], "billing.facture"),
        (["x.CustomerInvoice", "x.customers"], "x.CustomerInvoice"),
        (["a.invoices", "b.customer_invoices"], "a.invoices"),
    ],
)
def test_the_table_that_is_clearly_the_invoices_is_chosen(names: list[str], chosen: str) -> None:
    assert choose_table(found(*map(table, names)), Wish()).name == chosen


@pytest.mark.parametrize("names", [["a.invoices", "b.invoices"], ["a.sales_invoices", "a.customer_invoice"]])
def test_two_that_look_alike_are_both_named(names: list[str]) -> None:
    with pytest.raises(OperatorError) as result:
        choose_table(found(*map(table, names)), Wish())

    assert all(name in str(result.value) for name in names)


@pytest.mark.parametrize("wanting", ["id", "invoice_number", "issue_date"])
def test_a_table_without_key_number_or_date_is_no_candidate(wanting: str) -> None:
    columns = {name: kind for name, kind in INVOICE.items() if name != wanting}

    with pytest.raises(OperatorError, match="no table looks like invoices"):
        choose_table(found(table("a.invoices", columns)), Wish())


@pytest.mark.parametrize(
    ("key", "columns", "chosen"),
    [
        (("id", "issue_date"), {}, "id"),
        (("tenant_id", "id"), {"tenant_id": "bigint"}, "id"),
        (("a_id", "b_id"), {"a_id": "bigint", "b_id": "bigint"}, None),
        ((), {}, None),
    ],
)
def test_the_key_is_one_column(key: tuple[str, ...], columns: dict[str, str], chosen: str | None) -> None:
    identified = key_of(table("a.invoices", INVOICE | columns, key), None)

    assert (identified.name if identified else None) == chosen


def test_what_moves_on_and_what_is_never_pending_is_reported() -> None:
    columns = INVOICE | {"technical_status": "character varying(20)"}
    shown = table("a.invoices", columns, status=("draft", "issued", "paid"), technical_status=("PENDING", "SENT"))

    result = remarks(shown)

    assert "status is also draft, paid" in result
    assert "technical_status is PENDING, SENT so far" in result


@pytest.mark.parametrize(("kind", "said"), [("varchar(8)", True), ("varchar(20)", False), ("text", False)])
def test_a_column_that_is_too_short_for_a_verdict_is_left_alone(kind: str, said: bool) -> None:
    result = remarks(table("a.invoices", INVOICE | {"technical_status": kind}, status=("final",)))

    assert ("too short" in result) is said


def test_a_quote_in_a_value_stays_a_value() -> None:
    invoices = table("a.invoices", status=("l'émise",))

    source = choose_columns(found(invoices), invoices, Wish(final=("l'émise",)))

    assert "i.status operator(pg_catalog.=) 'l''émise'" in mapping_sql(found(invoices), source, None)


@pytest.mark.parametrize(
    ("pattern", "expression"),
    [
        ("s3://b/{id}.xml", "'s3://b/' || i.id::text || '.xml'"),
        ("s3://b/{status}/{id}", "'s3://b/' || i.status::text || '/' || i.id::text"),
        ("s3://b/it's/{id}.xml", "'s3://b/it''s/' || i.id::text || '.xml'"),
    ],
)
def test_a_pattern_becomes_an_expression(pattern: str, expression: str) -> None:
    assert address(table("a.invoices"), pattern) == expression


@pytest.mark.parametrize(
    "pattern", ["https://b/{id}", "s3://{id}/x.xml", "s3://b/x.xml", "s3://b/{nothing}.xml", "{id}"]
)
def test_an_address_that_no_document_can_have_is_refused(pattern: str) -> None:
    with pytest.raises(OperatorError, match="--documents"):
        address(table("a.invoices"), pattern)
