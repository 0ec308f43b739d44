"""plpgsql_check, where Debian's package of it is installed (`postgresql-15-plpgsql-check`): each finding is corrected or justified here."""

from __future__ import annotations

import pytest

from tests.rows import Rows

ALSO_ON_DEBIAN = True

FOUND = """
select p.proname as function, c.level, c.message
from pg_proc p join pg_language l on l.oid = p.prolang, lateral plpgsql_check_function_tb(
    p.oid::regprocedure,
    case when p.prorettype = 'trigger'::regtype
         then case p.proname when 'refuse_change' then 'facteur.operations' else 'invoicing.invoices' end::regclass else 0 end,
    oldtable => case when p.proname like 'note\\_invoices%%' then 'gone' end,
    newtable => case when p.proname like 'note\\_invoices%%' then 'changed' end,
    fatal_errors => false, extra_warnings => false, performance_warnings => false, security_warnings => true) c
where p.pronamespace = 'facteur'::regnamespace and l.lanname = 'plpgsql'
"""
NO_COLUMN = "the mapping may leave the column out: an error that is caught says so"
NAMES = "what is executed are names that regclass, regprocedure or format's %I have quoted"
IN_JSON = "the value was text in JSON, and is read as its type's own input"
JUSTIFIED = {
    ("read_kinds", "column s.other_kind does not exist"): NO_COLUMN,
    ("read_keys", "text type variable is not sanitized"): "a query of ours, with the rights of whoever asks",
    ("grant_worker", "text type variable is not sanitized"): NAMES,
    ("watch", "text type variable is not sanitized"): NAMES,
    ("claim", "target type is different type than source type"): IN_JSON,
    ("pick_due", "target type is different type than source type"): "seconds, as text, become an interval",
    ("note_deposit", "target type is different type than source type"): "seconds, as text, become an interval",
}


def test_the_functions_have_no_finding_that_is_not_justified(rows: Rows) -> None:
    if not rows.value("select count(*) from pg_available_extensions where name = 'plpgsql_check'"):
        pytest.skip("no plpgsql_check on this server; on Debian's: apt-get install postgresql-15-plpgsql-check")
    rows.run("create extension plpgsql_check")

    found = {(row.function, row.message): row.level for row in rows.run(FOUND)}

    assert {finding: level for finding, level in found.items() if finding not in JUSTIFIED} == {}
    assert set(JUSTIFIED) - set(found) == set(), "not found any more: its justification can go"
