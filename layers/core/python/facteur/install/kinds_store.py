"""Reading the kinds of documents that a table holds, rows that would be deposited, and a condition of the company's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from facteur.errors import ConfigurationError, DatabaseUnavailableError, OperatorError, StatementRefusedError
from facteur.install.catalogue import Looking
from facteur.install.kinds import KIND_VALUES, MOST_KINDS, lookup_of, named_like_kinds, perhaps_kinds
from facteur.install.model import Column, Found, Kind, KindColumn, Sample, Table, Wish
from facteur.install.template import template
from facteur.postgres.mistakes import mistake

LOCK_MILLISECONDS, READ_MILLISECONDS = "1000", "30000"
TOO_LATE = ("55P03", "57014")  # somebody holds the table; it is too large to be read in time
PATIENCE = """
select set_config('transaction_read_only', 'on', true) as a, set_config('lock_timeout', %(lock)s, true) as b,
       set_config('statement_timeout', %(read)s, true) as c
"""


class KindsReading(Looking):
    """What a table's rows are. Each question is one transaction that reads, waits for a lock for a second, and ends after thirty."""

    def kinds(self, found: Found, table: Table, wish: Wish) -> tuple[tuple[KindColumn, ...], tuple[str, ...]]:
        """The columns that name kinds of documents with their counts, and what to know of them."""
        named = named_like_kinds(found, table, wish)
        others, remarks = ((), []) if wish.columns.get("kind") else self._by_their_values(table, named, wish)
        columns = []
        for each in (*named, *others):
            kinds = self._counted(found, table, each)
            if kinds is None:
                remarks.append(
                    f"the kinds in {each.name} could not be counted: somebody holds {table.name}, or it is too large"
                )
            if kinds is None or len(kinds) <= MOST_KINDS or each.name == wish.columns.get("kind"):
                columns.append(KindColumn(each.name, each.quoted, each.kind, kinds or ()))
        return tuple(columns), tuple(remarks)

    def samples(self, sampling: str) -> tuple[Sample, ...]:
        """Rows that would go, and rows that would not; none where they cannot be read just now."""
        with of_a_text():
            try:
                return tuple(Sample(*row) for row in self._read(sampling) or ())
            except (
                StatementRefusedError
            ) as exc:  # a value that the column cannot have; or a condition that no row can be asked
                if mistake(exc.__context__):
                    raise
                return ()

    def check_condition(self, condition: str, table: Table) -> None:
        """Let Postgres plan a condition, in two places that only one whole expression fits into. Nothing is run.

        Raises:
            OperatorError: it is no condition on the table's own rows.
        """
        with of_a_text():
            planned = [
                self._read(template(shape, condition=condition, table=table.quoted)) or []
                for shape in ("condition.sql", "condition_in_case.sql")
            ]
        own = _relations(self._read(template("condition.sql", condition="true", table=table.quoted)) or [])
        if own and set().union(*map(_relations, planned)) - own:
            raise OperatorError("--where may ask the invoice's own row alone: what other tables say is not watched")

    def _by_their_values(
        self, table: Table, named: Sequence[Column], wish: Wish
    ) -> tuple[tuple[Column, ...], list[str]]:
        columns = perhaps_kinds(table, named, wish)
        if not columns:
            return (), []
        tests = ", ".join(template("kind_word.sql", column=each.quoted, words=_WORDS) for each in columns)
        rows = self._read(template("kind_words.sql", tests=tests, table=table.quoted))
        if rows is None:
            return (), [
                f"{table.name} could not be looked through for kinds of documents: somebody holds it, or it is too large"
            ]
        return tuple(each for each, fits in zip(columns, rows[0].fits, strict=True) if fits), []

    def _counted(self, found: Found, table: Table, column: Column) -> tuple[Kind, ...] | None:
        known = "select null::text as value, null::text as label where false"
        if column.enum:
            known = template("kinds_of_enum.sql", type=column.type)
        elif lookup := lookup_of(found, table, column):
            other, key, label = lookup
            known = template(
                "kinds_of_table.sql",
                key=key.quoted,
                label=f"{label.quoted}::text" if label else "null::text",
                table=other.quoted,
            )
        rows = self._read(
            template("kinds.sql", column=column.quoted, table=table.quoted, known=known, most=str(MOST_KINDS + 1))
        )
        return None if rows is None else tuple(Kind(row.value, row.label, row.documents) for row in rows)

    def _read(self, statement: str) -> list[Any] | None:
        """None: not in this time."""
        try:
            with self._database.transaction():
                self._database.rows(PATIENCE, {"lock": LOCK_MILLISECONDS, "read": READ_MILLISECONDS})
                return self._database.rows(statement)
        except DatabaseUnavailableError as exc:
            if not any(code in str(exc) for code in TOO_LATE):
                raise
            return None


_WORDS = ", ".join(f"'{each}'" for each in sorted(KIND_VALUES))


@contextmanager
def of_a_text() -> Iterator[None]:
    """A mistake in a condition in Postgres' own words. Raises OperatorError."""
    try:
        yield
    except (ConfigurationError, DatabaseUnavailableError) as exc:
        if (words := mistake(exc.__context__)) is None:
            raise
        raise OperatorError(f"--where is no condition on the invoice table: {words}") from None


def _relations(plan: Any) -> set[str]:
    """The tables in a plan as `explain` shows it."""
    if isinstance(plan, list | tuple):
        return set().union(*map(_relations, plan))
    if not isinstance(plan, dict):
        return set()
    own = {f"{plan.get('Schema')}.{plan['Relation Name']}"} if "Relation Name" in plan else set()
    return own.union(*map(_relations, plan.values()))
