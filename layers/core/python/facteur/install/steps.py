"""Each step of an installation, with the lock that it takes."""

from __future__ import annotations

import re
from dataclasses import replace

from facteur.install.documents import literal
from facteur.install.model import Column, Found, Step, Table
from facteur.install.names import known

CREATE_MAPPING = "create the mapping"
CATALOGUE = "milliseconds: only the catalogue is written, no row is read or rewritten"
UNMAP = """do $$
declare
    statement text;
begin
    for statement in select facteur.unwatching() loop
        execute statement;
    end loop;
end $$;
drop view facteur.invoice_source;
drop function facteur.write_back(text, text, text, text);
drop function facteur.write_status(text, text, text, text, timestamptz);
delete from facteur.changes;"""


def adding(table: Table, added: tuple[Column, ...]) -> list[Step]:
    steps = []
    if added:
        clauses = ", ".join(f"add column {each.quoted} {each.type}" for each in added)
        remembered = tuple({"what": "column", "table": table.name, "column": each.name} for each in added)
        steps.append(
            _altering(
                table, "add the columns that are missing, without a default: old rows stay null", clauses, remembered
            )
        )
    status = next(iter(known(replace(table, columns=(*table.columns, *added)), "technical_status")), None)
    if status and (status in added or not status.has_default):
        default = f"alter column {status.quoted} set default {literal('pending')}"
        remembered = ({"what": "default", "table": table.name, "column": status.name},)
        steps.append(_altering(table, "new rows begin as 'pending'", default, remembered))
    return steps


def _altering(table: Table, what: str, clauses: str, added: tuple[dict[str, str], ...]) -> Step:
    blocks = "readers and writers, until the end of the transaction"
    return Step(
        what, f"alter table {table.quoted} {clauses};", "ACCESS EXCLUSIVE", (table.name,), blocks, CATALOGUE, added
    )


def migrating() -> Step:
    what = "bring the schema facteur up to this version"
    return Step(what, "", None, (), "nobody: no table of yours is touched", "under a second")


def unmapping() -> Step:
    blocks = "readers and writers of the table that was watched, until the end of the transaction"
    return Step(
        "take the old mapping and its triggers away",
        UNMAP,
        "ACCESS EXCLUSIVE",
        ("the table that was watched",),
        blocks,
        CATALOGUE,
    )


def mapping_step(found: Found, mapping: str) -> Step:
    view = mapping.partition(";")[0]
    read = tuple(each.name for each in found.tables if re.search(rf"(from|join)\s+{re.escape(each.quoted)}\b", view))
    return Step(CREATE_MAPPING, mapping, "ACCESS SHARE", read, "nobody", CATALOGUE)


def counting(table: Table, counts_first: bool) -> Step:
    what = "count what is ready" if counts_first else "after the transaction, count what is ready"
    lasts = f"one reading of about {table.rows:,} rows ({table.bytes / 2**20:,.0f} MB), at most 30 seconds"
    statement = "select count(*) from facteur.invoice_source where ready;"
    return Step(what, statement, "ACCESS SHARE", (table.name,), "nobody", lasts)


def watching(table: Table, key: Column) -> Step:
    on = (table.name, f"{table.partitions} partitions of it") if table.partitions else (table.name,)
    statement = f"select facteur.watch({literal(table.quoted)}, {literal(key.name)});"
    return Step(
        "install the trigger",
        statement,
        "SHARE ROW EXCLUSIVE",
        on,
        "writers, not readers, until the end of the transaction",
        CATALOGUE,
    )
