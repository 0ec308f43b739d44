"""From what was found to the statements, each with the lock that it takes."""

from __future__ import annotations

from dataclasses import replace

from facteur.errors import OperatorError
from facteur.install.columns import choose_columns, choose_key
from facteur.install.exposure import CREATE, written_tables
from facteur.install.history import History, find_history
from facteur.install.kinds import left_out
from facteur.install.mapping import Source, mapping_sql, samples_sql, triggers_fired, wrong_kinds_sql
from facteur.install.model import Choice, Column, Found, KindColumn, Plan, Table, Wish
from facteur.install.names import known
from facteur.install.steps import adding, counting, mapping_step, migrating, unmapping, watching
from facteur.install.tables import choose_table

ADDABLE = (
    Column("technical_status", "technical_status", "varchar(20)", "varchar", 20, has_default=True),
    Column("submission_id", "submission_id", "varchar(50)", "varchar", 50),
    Column("last_technical_update", "last_technical_update", "timestamptz", "timestamptz"),
)


def plan(found: Found, wish: Wish, kinds: tuple[KindColumn, ...] = (), noticed: tuple[str, ...] = ()) -> Plan:
    """What installing would do. `kinds` are answered; `noticed`: while they were read.

    Raises:
        OperatorError: something must be said first; the text names the option.
    """
    table = choose_table(found, wish)
    if found.submissions and found.source != table.name:
        raise OperatorError(
            f"{found.submissions} submissions are known here by the keys of {found.source}: {table.name} needs a schema facteur of its own"
        )
    _check_rights(found, table)
    added = _missing(table) if wish.add_columns else ()
    key, mapping, choices, remarks, sampling = _mapping(found, table, wish, added, kinds)
    remarks += (*noticed, *_publication_remarks(found, table, added))
    if found.submissions and found.source_key not in {None, key.name}:
        raise OperatorError(
            f"{found.submissions} submissions are known here by {table.name}.{found.source_key}: by {key.name} all of them would be new, "
            f"and deposited again (--column key={found.source_key})"
        )
    watched = [(table, key), *(_also_watched(found, each) for each in wish.watch)]
    steps = [migrating()]
    steps += [unmapping()] if found.mapped else []
    steps += adding(table, added) if wish.add_columns else []
    steps.append(mapping_step(found, mapping))
    counts_first = not any(step.added for step in steps)
    triggers = tuple(watching(each, column) for each, column in watched)
    remarks += tuple(remark for each, column in watched for remark in _watch_remarks(each, column))
    remarks += _exposure_remarks(found, {each.quoted for each, _ in watched} | _written(found, mapping))
    return Plan(
        table.name,
        table.rows,
        table.bytes,
        choices,
        mapping,
        tuple(steps),
        counting(table, counts_first),
        counts_first,
        triggers,
        remarks,
        key.name,
        kinds,
        tuple(left_out(kinds)),
        wrong_kinds_sql(table, key, kinds),
        sampling,
    )


def check_installation(found: Found, wish: Wish) -> None:
    """Raises OperatorError where a mapping is in the way."""
    if found.mapped and not wish.replace:
        raise OperatorError(
            "a mapping is installed already (facteur.invoice_source): --replace puts another in its place"
        )
    if found.mapped and found.submissions:
        raise OperatorError(
            f"the mapping has {found.submissions} submissions, known by its keys: edit the view itself instead of replacing it"
        )


def _check_rights(found: Found, table: Table) -> None:
    if not table.owned:
        raise OperatorError(
            f"the role {found.role} does not own {table.name}: only its owner, or a member of that role, may install a trigger"
        )
    if not found.may_create:
        raise OperatorError(f"the role {found.role} may not create a schema: grant create on the database to it")


def _mapping(
    found: Found, table: Table, wish: Wish, added: tuple[Column, ...], kinds: tuple[KindColumn, ...]
) -> tuple[Column, str, tuple[Choice, ...], tuple[str, ...], str | None]:
    if wish.mapping is not None:
        key = choose_key(table, wish)
        return key, wish.mapping, (Choice("key", f"{key.name} ({key.type})"), Choice("mapping", "as given")), (), None
    source = choose_columns(found, replace(table, columns=(*table.columns, *added)), wish, kinds)
    history, noticed = find_history(found, table)
    filled = Choice(
        "history",
        f"{history.table.name} ({', '.join(c.name for c in history.filled.values())})" if history else "none is filled",
    )
    remarks = [*source.remarks, *noticed, *_path_remarks(found, source, history)]
    choices = (*source.choices, filled)
    return source.key, mapping_sql(found, source, history), choices, tuple(remarks), samples_sql(source)


def _publication_remarks(found: Found, table: Table, added: tuple[Column, ...]) -> list[str]:
    """What a subscriber of the company's meets: it stops at a table or a column that it has not, and WAL piles up here."""
    remarks = [
        f"the publication {name} is for all tables, those of Facteur too: its subscribers stop, and WAL piles up here. "
        "Let it name its tables first (docs/install.md, Logical replication)"
        for name in found.of_all_tables
    ]
    names = ", ".join(found.published.get(table.name, ()))
    if added and names:
        columns = ", ".join(each.name for each in added)
        remarks.append(f"{table.name} is published ({names}): add {columns} at each subscriber first, else it stops")
    return remarks


def _path_remarks(found: Found, source: Source, history: History | None) -> list[str]:
    fired = triggers_fired(source, history)
    path = ", ".join(found.search_path) or "no schema"
    names = ", ".join(fired)
    remark = f"triggers of yours ({names}) run with each write-back, as {found.role}; short names in them are looked for in {path}"
    return [remark] if fired else []


def _written(found: Found, mapping: str) -> set[str]:
    """The company's tables that the mapping writes, such as her history: a name without a schema may be any of the path's."""
    names = written_tables(mapping)
    return {each.quoted for each in found.tables if each.name in names or each.name.rpartition(".")[2] in names}


def _exposure_remarks(found: Found, touched: set[str]) -> tuple[str, ...]:
    """Who else could have something run as the owner: what follows from it, and what ends it."""
    concerned = (each for each in found.exposures if each.right == CREATE or each.quoted in touched)
    return tuple(f"{each.risk} ({each.remedy})" for each in concerned)


def _missing(table: Table) -> tuple[Column, ...]:
    return tuple(each for each in ADDABLE if not known(table, each.name))


def _watch_remarks(table: Table, key: Column) -> list[str]:
    remarks = [] if table.rows else [f"Postgres knows no size of {table.name} yet: `analyze` lets it know"]
    if not key.indexed:
        remarks.append(
            f"no index of {table.name} begins with {key.name}: each change makes Facteur read about {table.rows:,} rows: create one"
        )
    if len(table.primary_key) > 1:
        remarks.append(
            f"{key.name} is only part of the key of {table.name}: rows with the same {key.name} would count as one invoice"
        )
    if table.partitioned:
        remarks.append(
            f"{table.name} is partitioned: after attaching a partition, run {watching(table, key).statement}"
        )
    return remarks


def _also_watched(found: Found, wished: str) -> tuple[Table, Column]:
    name, _, column_name = wished.rpartition(":")
    table = found.table(name)
    column = table.column(column_name) if table else None
    if table is None or column is None:
        raise OperatorError(
            f"--watch {wished}: give schema.table:column, a table and its column with the invoice's key"
        )
    _check_rights(found, table)
    return table, column
