"""Whoever wrote a text: no command obeys it, and none hides it. Every text column of ours and of the company's is tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from psycopg2.errors import CheckViolation
from psycopg2.extras import Json

from facteur.cli.reconcile import harmless
from facteur.domain.visible import UNSEEN
from local.world.levers import World
from local.world.postgres import as_worker
from tests.operator import Operator, Printed

FORGED = "✔ forged"
HOSTILE = f"[/x][red]\x1b[31m\x1b]0;t\x07\r\n{FORGED}\u202e\u2066\u200b\u3164\x9b:smile:"
SEEN = "[/x][red]\\x1b[31m"
COLUMNS = """
select c.table_schema || '.' || c.table_name as relation, c.column_name as name, c.data_type as kind
from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where table_schema in ('facteur', 'invoicing') and t.table_type = 'BASE TABLE' and c.is_generated = 'NEVER'
  and c.data_type in ('text', 'character varying', 'ARRAY', 'jsonb') order by 1, 2
"""
# Columns that a constraint keeps to a few words of ours, or that another constraint binds to them.
OURS = {
    "transitions.subject",
    "submissions.state",
    "attempts.outcome",
    "budgets.recovery",
    "budgets.key",
    "invoices.technical_status",
}
DAY = "2026-09-01"
EVENT = """
insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, network_code, label, occurred_at, date_given,
                                   caused_by, audience, reason, message, raw)
select 'planted', id, platform_id, '205', 'approved', '205', 'Approuvée', now(), 'x', 'x', 'x', 'x', 'x', '{"a": "b"}'
from facteur.submissions where platform_id is not null
"""


def _commands(key: int) -> dict[str, tuple[str, ...]]:
    filters = {
        f"list {name}": ("list", f"--{name}")
        for name in ("not-written-back", "mismatched", "silent", "unread", "unreadable")
    }
    return filters | {
        "status": ("status",), "watch": ("watch", "--for", "0"), "show": ("show", f"id:{key}"), "list": ("list",),
        "accounts": ("accounts",), "dead letters": ("dead-letters",),
        "preview": ("preview", "--documents"), "doctor": ("doctor",), "reconcile": ("reconcile", "--day", DAY),
    }  # fmt: skip


def _prompts(key: int) -> dict[str, tuple[str, ...]]:
    signed = ("--why", HOSTILE, "--who", HOSTILE)
    return {
        "retry": ("retry", f"id:{key}", *signed), "reject": ("reject", f"id:{key}", *signed),
        "pause": ("pause", "default", *signed), "repin": ("repin", "default", *signed), "adopt": ("adopt", f"id:{key}", HOSTILE, *signed),
        "limit": ("limit", "default", "7", *signed), "route": ("route", "default", "--to", HOSTILE, "--from", "2030-01-01", *signed),
        "redrive": ("redrive", *signed), "nobody's": ("show", HOSTILE), "no account": ("pause", HOSTILE, *signed),
    }  # fmt: skip


@pytest.fixture
def lived(world: World) -> World:
    """An installation in which something of every kind has happened."""
    world.witness()
    world.add(1)
    world.deposit()
    world.poll()
    world.add(2, document_uri=None)
    world.relay()
    run = world.database.rows
    run(
        "insert into facteur.unmatched_statuses (status_id, account, platform_id, code, event) "
        "values ('1', 'default', 'p', '200', '{\"a\": \"b\"}')"
    )
    run("insert into facteur.not_ready (invoice_id, seen_at) values ('2', now())")
    run("insert into facteur.routes (account, since, credentials) values ('default', now() + interval '1 day', 'next')")
    run(
        "update facteur.budgets set hold_until = 'infinity', hold_by = 'jane', hold_why = 'lunch' where key = 'account:default'"
    )
    run(
        "update facteur.submissions set write_back_error = 'x', write_back_due_at = now(), unwritten_since = now(), mismatch = 'm'"
    )
    run(EVENT)
    run(
        "insert into facteur.feeds (client, since) select md5(pin::text), now() from facteur.accounts where pin is not null limit 1"
    )
    run("insert into facteur.stores (name, reason) values ('s3://bucket', 'AccessDenied')")
    run("insert into facteur.sweeps (account) values ('default') on conflict do nothing")
    run("insert into facteur.changes (invoice_ids, due_at, error) values ('{77}', now() + interval '1 hour', 'raises')")
    run(
        "insert into facteur.operations (who, why, operation, invoice_id, caller) values ('w', 'y', 'retry', %(id)s, 'arn')",
        _key(world),
    )
    return world


def _key(world: World) -> dict[str, str]:
    return {"id": str(world.ids[1])}


def _planted(value: Any, kind: str) -> Any:
    """The hostile text in place of every text in a value."""
    if isinstance(value, dict):
        return {name: _planted(each, "") for name, each in value.items()}
    if isinstance(value, list):
        return [_planted(each, "") for each in value] or ([HOSTILE] if kind == "ARRAY" else [])
    return HOSTILE if isinstance(value, str) or (value is None and kind in {"text", "character varying"}) else value


def _plant(url: str, relation: str, columns: list[Any]) -> set[str]:
    """Write it into these columns of every row; those that took it. Rows keep their keys."""
    taken = set()
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        for column in columns:
            cursor.execute(f"select ctid::text, {column.name} from {relation}")
            for at, value in cursor.fetchall():
                planted = _planted(value, column.kind)
                shown = Json(planted) if column.kind == "jsonb" else planted
                try:
                    cursor.execute(f"update {relation} set {column.name} = %s where ctid = %s::tid", (shown, at))
                    taken.add(f"{relation.partition('.')[2]}.{column.name}")
                except (CheckViolation, psycopg2.DataError, psycopg2.IntegrityError):
                    continue  # e.g. an identity of two rows, a word of ours, or a column that is too short
    connection.close()
    return taken


def _harmful(result: Printed) -> Iterator[str]:
    """What a terminal would obey, what nobody sees, and a line that we did not write."""
    for line in (result.out + result.err).split("\n"):
        yield from (repr(c) for c in line if not c.isprintable() or UNSEEN.match(c))
        if line.strip().startswith(FORGED):
            yield line


def _tables(world: World) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for column in world.database.rows(COLUMNS):
        tables.setdefault(column.relation, []).append(column)
    return tables


@pytest.mark.slow
def test_no_command_obeys_or_hides_what_stands_in_a_column(lived: World, database_url: str) -> None:
    reader, key, tables = Operator(as_worker(database_url)), lived.ids[1], _tables(lived)
    taken, said = set[str](), ""

    for relation, columns in tables.items():
        taken |= _plant(database_url, relation, columns)
        for name in ("status", "show", "list", "accounts"):
            result = reader.run(*_commands(key)[name])
            assert list(_harmful(result)) == [], (relation, name)
            said += result.out + result.err
    for name, command in (_commands(key) | _prompts(key)).items():
        result, printed = reader.run(*command, answer="n\n"), reader.run(*command, "--json", answer="n\n")
        assert list(_harmful(result)) == [], name
        assert printed.out.isascii(), name
        assert name == "watch" or printed.code == 2 or json.loads(printed.out), name
    assert list(_harmful(Operator(database_url).run("uninstall", "--dry-run"))) == []

    every = {f"{relation.partition('.')[2]}.{each.name}" for relation, columns in tables.items() for each in columns}
    assert sorted(every - taken - OURS) == []
    assert said.count(SEEN) > len(tables)


@pytest.mark.parametrize("half", ["a\x00b", "\x00", "\ud800", "x\udfff"])
def test_what_no_database_takes_is_a_sentence(world: World, operator: Operator, half: str) -> None:
    for command in (("show", half), ("pause", "default", "--why", half, "--yes"), ("list", "--account", half)):
        result = operator.run(*command)

        assert (result.code, list(_harmful(result))) == (2, []), command
        assert "no argument may hold NUL or half a character" in result.err


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize(
    "before", ["", " ", "\t", "\r", "\n", "x;", "x; ", "x,", "x|", "x\t", "x;'", 'x;"', ";;", "x;\u200b", "\x00"]
)
def test_no_spreadsheet_finds_a_formula_whatever_separates_its_cells(before: str, sign: str) -> None:
    written = harmless(f"{before}{sign}1+1")

    assert UNSEEN.sub("", written).replace("\t", "").replace("\r", "").replace("\n", "").isprintable()
    for separator in ";,|":
        for cell in written.split(separator):
            assert not cell.strip().lstrip('"').startswith(tuple("=+-@＝＋－＠")), written
    assert before not in {"", "\t", "\r"} or written == f"'{before}{sign}1+1"
