"""A company's logical replication stops at tables and columns that its subscribers have not: that is said before anything is done."""

from __future__ import annotations

import pytest

from tests.installations import DOCUMENTS, build
from tests.operator import Operator
from tests.rows import Rows


@pytest.mark.parametrize(
    ("publication", "options", "result"),
    [
        ("everything for all tables", (), "the publication everything is for all tables"),
        ("everything for all tables with (publish = 'insert')", (), "the publication everything is for all tables"),
        ("sales for table billing.customer_invoice", ("--add-columns",), "add technical_status, submission_id"),
        ("whole for tables in schema billing", ("--add-columns",), "is published (whole)"),
    ],
)
def test_a_publication_that_would_stop_is_reported_before_anything_is_done(
    bare: Rows, publication: str, options: tuple[str, ...], result: str
) -> None:
    build(bare, "french")
    bare.run(f"create publication {publication}")

    answer = Operator(bare.url).run("init", *options)

    assert answer.code == 0, answer.err
    assert result in answer.out
    assert bare.value("select to_regnamespace('facteur')") is None


@pytest.mark.parametrize("publication", ["sales for table invoicing.sellers", "whole for tables in schema invoicing"])
def test_a_publication_of_the_companys_own_tables_needs_nothing(bare: Rows, publication: str) -> None:
    build(bare, "mission", code_type="integer")
    bare.run(f"create publication {publication}")

    assert "publication" not in Operator(bare.url).run("init", "--documents", DOCUMENTS).out
