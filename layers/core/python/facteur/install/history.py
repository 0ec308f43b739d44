"""A history table of the company's own, which facteur.write_status fills."""

from __future__ import annotations

from dataclasses import dataclass

from facteur.install.documents import op
from facteur.install.model import Column, Found, Table
from facteur.install.names import DATE_KINDS, TEXT_KINDS, plain
from facteur.install.template import template

NAMES = {
    "code": ("status_code", "code", "code_statut", "statut_code"),
    "label": ("status_label", "label", "libelle", "status_name"),
    "comment": ("client_comment", "comment", "commentaire", "message", "reason"),
    "at": ("created_at", "occurred_at", "date", "cree_le", "date_statut"),
}
DIGITS = {"int2": 4, "int4": 9, "int8": 18}  # that certainly fit
KINDS = {"code": TEXT_KINDS | DIGITS.keys(), "label": TEXT_KINDS, "comment": TEXT_KINDS, "at": DATE_KINDS}
PARAMETERS = {"code": "$2", "label": "$3", "comment": "$4", "at": "$5"}


@dataclass(frozen=True, slots=True)
class History:
    """The table, the column that names the invoice, and those that are filled."""

    table: Table
    invoice: Column
    filled: dict[str, Column]

    def statement(self, key_type: str) -> str:
        """An insert that passes a repeated entry by. Texts are cut to length; a code that is a word has no place in a number."""
        values = {part: f"{PARAMETERS[part]}::{column.type}" for part, column in self.filled.items()}
        code, at = self.filled["code"], self.filled["at"]
        insert = template(
            "history.sql",
            table=self.table.quoted,
            columns=", ".join([self.invoice.quoted, *(column.quoted for column in self.filled.values())]),
            values=", ".join([f"$1::{key_type}", *values.values()]),
            invoice=self.invoice.quoted,
            key=f"$1::{key_type}",
            code=code.quoted,
            code_value=values["code"],
            at=at.quoted,
            at_value=values["at"],
        )
        if code.kind not in DIGITS:
            return insert
        return f"if $2 {op('~')} '^[0-9]{{1,{DIGITS[code.kind]}}}$' then\n        {insert}\n    end if;"


def find_history(found: Found, table: Table) -> tuple[History | None, list[str]]:
    """The one table that refers to the invoices and has a code and a date; and what to say of it."""
    fitting = [each for candidate in found.tables if (each := _history(candidate, table))]
    if len(fitting) != 1:
        names = ", ".join(each.table.name for each in fitting)
        return None, [f"several tables look like a history ({names}): none is filled"] if fitting else []
    (history,) = fitting
    filled = {history.invoice.name, *(column.name for column in history.filled.values())}
    wanting = [c.name for c in history.table.columns if c.not_null and not c.has_default and c.name not in filled]
    if wanting:
        return None, [f"{history.table.name} needs a {', '.join(wanting)} that Facteur does not know: it is not filled"]
    slow = f"no index of {history.table.name} begins with {history.invoice.name}: each status reads about {history.table.rows:,} rows"
    return history, [] if history.invoice.indexed else [slow]


def _history(candidate: Table, invoices: Table) -> History | None:
    references = [each for each in candidate.references if each.table == invoices.name]
    if candidate.name == invoices.name or len(references) != 1:
        return None
    by_name = {plain(each.name): each for each in candidate.columns}
    filled: dict[str, Column] = {}
    for part, names in NAMES.items():
        for column in (by_name.get(plain(name)) for name in names):
            if column and part not in filled and column.kind in KINDS[part]:
                filled[part] = column
    invoice = candidate.column(references[0].column)
    return History(candidate, invoice, filled) if invoice and {"code", "at"} <= set(filled) else None
