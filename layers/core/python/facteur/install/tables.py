"""Which table holds the invoices, and by which column they are known."""

from __future__ import annotations

from facteur.errors import OperatorError
from facteur.install.model import Column, Found, Table, Wish
from facteur.install.names import DATE_KINDS, KEY_KINDS, OTHER_WORDS, TEXT_KINDS, WORDS, known

CLEAR_LEAD = 2  # points by which the best must be better than the next


def choose_table(found: Found, wish: Wish) -> Table:
    """The table wished for, or the one that clearly looks like the invoices.

    Raises:
        OperatorError: there is none, or several look alike; it lists them.
    """
    if wish.table is not None:
        named = found.table(wish.table if "." in wish.table else f"public.{wish.table}")
        if named is None:
            raise OperatorError(f"there is no table {wish.table}: name it as schema.table{_listed(candidates(found))}")
        return named
    ranked = candidates(found)
    if not ranked:
        raise OperatorError("no table looks like invoices: name it with --table schema.table")
    alike = [each for each in ranked if ranked[0][0] - each[0] < CLEAR_LEAD]
    if len(alike) > 1:
        raise OperatorError(f"several tables look like invoices: choose one with --table{_listed(alike)}")
    return ranked[0][1]


def candidates(found: Found) -> list[tuple[int, Table]]:
    """Tables that may hold invoices, with their points, the likeliest first."""
    scored = [(score(each), each) for each in found.tables if each.name not in found.own_tables]
    return sorted((each for each in scored if each[0] > 0), key=lambda each: (-each[0], each[1].name))


def score(table: Table) -> int:
    """Points for a name and columns like those of invoices; none for a table that cannot be watched."""
    name = table.name.partition(".")[2].casefold()
    words = set(name.split("_"))
    if not words & WORDS and not any(word in name for word in ("invoice", "facture")):
        return 0
    if (
        key_of(table, None) is None
        or not known(table, "number")
        or not [c for c in known(table, "date") if c.kind in DATE_KINDS]
    ):
        return 0
    parts = ("seller", "seller_id", "total", "currency", "document", "status", "technical_status", "submission_id")
    points = 2 + 2 * (words <= WORDS) + sum(bool(known(table, part)) for part in parts)
    return max(0, points - 4 * len(words & OTHER_WORDS))


def key_of(table: Table, wished: str | None) -> Column | None:
    """The column that identifies an invoice. In the key of a partitioned table the date is left out."""
    if wished is not None:
        return table.column(wished)
    members = [column for name in table.primary_key if (column := table.column(name)) and column.kind in KEY_KINDS]
    if len(members) > 1:
        members = [each for each in members if each.name == "id" or each.kind == "uuid"] or [
            each for each in members if each.name.endswith("id") and each.kind not in TEXT_KINDS
        ]
    return members[0] if len(members) == 1 else None


def _listed(ranked: list[tuple[int, Table]]) -> str:
    return "".join(f"\n  {table.name} (about {table.rows:,} rows)" for _, table in ranked)
