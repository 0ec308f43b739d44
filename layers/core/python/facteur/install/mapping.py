"""The mapping file: the view facteur.invoice_source and the two functions that write back."""

from __future__ import annotations

from dataclasses import dataclass

from facteur.install.documents import op
from facteur.install.history import History
from facteur.install.kinds import is_invoice, other_kind
from facteur.install.model import Choice, Column, Found, KindColumn, Table
from facteur.install.template import template

FIRST_DAY = "(select submit_from from facteur.installation)"
INSTALLED_DAY = "(select installed_from from facteur.installation)"
REQUIRED = ("invoice_id", "ready", "invoice_number", "seller_siren", "issue_date")  # of the view
COLUMN_WIDTH = 7  # of "select "
PENDING = op("~*") + r" '^[\s\u00a0]*pending[\s\u00a0]*$'"  # blanks and case apart


@dataclass(frozen=True, slots=True)
class Source:
    """The choices for one table, as SQL expressions. None: the table has nothing of the kind."""

    table: Table
    key: Column
    number: str
    day: str
    seller: str
    join: str
    total: str
    currency: str
    document: tuple[str, str]  # (document_uri or document, expression)
    document_missing: str | None  # a condition
    account: str
    finished: str | None  # a condition
    technical_status: Column | None
    submission_id: Column | None
    last_technical_update: Column | None
    lifecycle_code: Column | None
    kinds: tuple[KindColumn, ...]
    where: str | None  # a condition of the company's own
    status: Column | None
    choices: tuple[Choice, ...]
    remarks: tuple[str, ...]


def mapping_sql(found: Found, source: Source, history: History | None) -> str:
    """SQL that a person may read, edit, and give back."""
    return template(
        "source.sql",
        columns=(",\n" + " " * COLUMN_WIDTH).join(_lines(source)),
        join=source.join,
        search_path=", ".join(["pg_catalog", *found.search_path, "pg_temp"]),
        write_back=_write_back(source),
        write_status=history.statement(source.key.type) if history else "return;",
        table=source.table.quoted,
    )


def samples_sql(source: Source) -> str:
    """Three rows that would go, and three that would not, finished ones first: key, number, status and kind."""
    finished = source.finished or "true"
    kinds = [f"i.{each.quoted}::text" for each in source.kinds]
    return template(
        "samples.sql",
        key=source.key.quoted,
        number=source.number,
        status=f"i.{source.status.quoted}::text" if source.status else "null::text",
        kind=f"pg_catalog.concat_ws(', ', {', '.join(kinds)})" if kinds else "null::text",
        goes=_all(finished, is_invoice(source.kinds), _where(source), source.document_missing),
        finished=_all(finished),
        table=source.table.quoted,
        join=source.join,
    )


def wrong_kinds_sql(table: Table, key: Column, kinds: tuple[KindColumn, ...]) -> str | None:
    """Ready rows of a kind that was not named: of a mapping that somebody has edited."""
    named = is_invoice(kinds)
    if named is None:
        return None
    columns = ", ".join(f"i.{each.quoted}::text" for each in kinds)
    return template("wrong_kinds.sql", table=table.quoted, key=key.quoted, named=named, kinds=columns)


def triggers_fired(source: Source, history: History | None) -> tuple[str, ...]:
    """The company's triggers on what is written."""
    return source.table.triggers + (history.table.triggers if history else ())


def _lines(source: Source) -> list[str]:
    part, document = source.document
    status = [f"i.{source.technical_status.quoted} as technical_status"] if source.technical_status else []
    deposit = [f"i.{source.submission_id.quoted} as submission_id"] if source.submission_id else []
    return [
        f"i.{source.key.quoted} as invoice_id",
        f"{_ready(source)} as ready",
        f"{document} as {part}",
        f"{source.number} as invoice_number",
        f"{source.seller} as seller_siren",
        f"{source.day} as issue_date",
        f"{source.total} as total",
        f"{source.currency} as currency",
        *status,
        *deposit,
        f"{source.account} as account",
        f"{_finished(source)} as finished",
        *([f"{other} as other_kind"] if (other := _other_kind(source)) else []),
    ]


def _ready(source: Source) -> str:
    kinds, pending, day = is_invoice(source.kinds), _pending(source), f"{source.day} >= {FIRST_DAY}"
    return _all(source.finished, kinds, _where(source), pending, source.document_missing, day)


def _finished(source: Source) -> str:
    """What would be ready if its document, or its day of issue, were there."""
    day = f"({source.day} is null or {source.day} >= {FIRST_DAY})"
    return _all(source.finished, is_invoice(source.kinds), _where(source), _pending(source), day)


def _other_kind(source: Source) -> str | None:
    """The kind of a finished document that is none of those named."""
    other = other_kind(source.kinds)
    if other is None:
        return None
    finished = _all(source.finished, _where(source), f"{source.day} >= {FIRST_DAY}")
    return f"case when {finished} then {other} end"


def _where(source: Source) -> str | None:
    """In brackets, and on lines of its own: it may end with a comment."""
    if source.where is None:
        return None
    return f"({source.where}\n)" if "--" in source.where else f"({source.where})"


def _all(*conditions: str | None) -> str:
    return "coalesce(" + ("\n" + " " * 16 + "and ").join(each for each in conditions if each) + ", false)"


def _pending(source: Source) -> str | None:
    """Rows that were there before the column or its default say nothing: a draft of then that is finished since asks as well."""
    status, deposit = source.technical_status, source.submission_id
    if status is None:
        return None
    silent = " and ".join(f"i.{column.quoted} is null" for column in (status, deposit) if column)
    return f"(i.{status.quoted}::text {PENDING} or {silent} and {source.day} >= {INSTALLED_DAY})"


def _write_back(source: Source) -> str:
    given = {
        "$2": source.technical_status,
        "$3": source.submission_id,
        "pg_catalog.now()": source.last_technical_update,
    }
    assignments = [f"{column.quoted} = {_cast(value, column.kind)}" for value, column in given.items() if column]
    if source.lifecycle_code:
        assignments.append(f"{source.lifecycle_code.quoted} = $4")
    if not assignments:
        return "return;"
    return template(
        "write_back.sql",
        table=source.table.quoted,
        assignments=", ".join(assignments),
        key=source.key.quoted,
        key_type=source.key.type,
    )


def _cast(value: str, kind: str) -> str:
    return f"{value}::uuid" if kind == "uuid" else value
