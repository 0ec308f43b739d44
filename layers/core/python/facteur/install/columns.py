"""What of a table makes up an invoice: an SQL expression for each column of facteur.invoice_source. The table is `i`, its seller `s`."""

from __future__ import annotations

import re

from facteur.errors import DocumentsUnknownError, OperatorError
from facteur.install.documents import address, literal, one_of, op
from facteur.install.kinds import EVERY, NONE, kind_remarks
from facteur.install.mapping import Source
from facteur.install.model import Choice, Column, Found, KindColumn, Table, Wish
from facteur.install.names import DATE_KINDS, ID_LENGTH, KEY_KINDS, STATUS_LENGTH, TEXT_KINDS, known, likely_final
from facteur.install.tables import key_of

PARTS = ("key", "number", "date", "seller", "total", "currency", "document", "status", "technical_status", "submission_id",
         "last_technical_update", "lifecycle_code", "account", "kind")  # fmt: skip
MADE = ("created_at", "date_creation", "cree_le")  # not the day of issue, but better than none
SIREN = re.compile(r"\d{9}(\d{5})?")


def choose_key(table: Table, wish: Wish) -> Column:
    """Raises OperatorError where the table has no column that invoices can be known by."""
    key = key_of(table, wish.columns.get("key"))
    if key is None:
        raise OperatorError(f"{table.name} has no key of one column: name the column with --column key=…")
    if key.kind not in KEY_KINDS:
        raise OperatorError(f"{table.name}.{key.name} is {key.type}: a key must be an integer, a uuid, or text")
    return key


def choose_columns(found: Found, table: Table, wish: Wish, kinds: tuple[KindColumn, ...] = ()) -> Source:
    """What of the table makes up an invoice. `kinds` are answered.

    Raises:
        OperatorError: something that must be there was not found; it says which option names it.
    """
    return _Chooser(found, table, wish).source(kinds)


class _Chooser:
    def __init__(self, found: Found, table: Table, wish: Wish) -> None:
        self._found, self._table, self._wish = found, table, wish
        self._choices: list[Choice] = []
        self._remarks: list[str] = []
        unknown = sorted(set(wish.columns) - set(PARTS))
        if unknown:
            raise OperatorError(f"--column knows no {', '.join(unknown)}; there are {', '.join(PARTS)}")
        for part, name in wish.columns.items():
            if table.column(name) is None:
                raise OperatorError(f"{table.name} has no column {name} (--column {part}={name})")

    def source(self, kinds: tuple[KindColumn, ...]) -> Source:
        key = choose_key(self._table, self._wish)
        self._chose("key", f"{key.name} ({key.type})")
        number, day = self._number(), self._day()
        seller, join = self._seller()
        total, currency = self._total(), self._currency()
        document, missing = self._document()
        account = self._optional("account")
        return Source(
            self._table, key, number, day, seller, join, total, currency, document, missing,
            f"i.{account.quoted}" if account else "'default'",
            self._finished(), *self._written(), self._named(kinds), self._where(), self._pick("status"),
            tuple(self._choices), tuple(self._remarks),
        )  # fmt: skip

    def _named(self, kinds: tuple[KindColumn, ...]) -> tuple[KindColumn, ...]:
        for each in kinds:
            named = ", ".join(value or NONE for value in each.named or ())
            self._chose("kinds", f"{each.name}: " + ("every kind" if EVERY in (each.named or ()) else named))
        self._remarks += kind_remarks(kinds)
        return kinds

    def _where(self) -> str | None:
        if self._wish.where is not None:
            self._chose("where", self._wish.where)
        return self._wish.where

    def _chose(self, part: str, chosen: str) -> None:
        self._choices.append(Choice(part, chosen))

    def _optional(self, part: str) -> Column | None:
        named = self._wish.columns.get(part)
        return self._table.column(named) if named else None

    def _pick(self, part: str, kinds: frozenset[str] | None = None) -> Column | None:
        wished = self._optional(part)
        if wished is not None:
            if kinds and wished.kind not in kinds:
                raise OperatorError(f"{self._table.name}.{wished.name} is {wished.type}: it cannot be the {part}")
            return wished
        return next((each for each in known(self._table, part) if kinds is None or each.kind in kinds), None)

    def _number(self) -> str:
        column = self._pick("number", TEXT_KINDS | KEY_KINDS)
        if column is None:
            raise OperatorError(
                f"{self._table.name} has no column that looks like the invoice's number: give --column number=…"
            )
        self._chose("invoice_number", column.name)
        return f"i.{column.quoted}"

    def _day(self) -> str:
        column = self._pick("date", DATE_KINDS)
        if column is None:
            raise OperatorError(
                f"{self._table.name} has no column that looks like the issue date: give --column date=…"
            )
        self._chose("issue_date", f"{column.name} ({column.type})")
        if column.name in MADE:
            self._remarks.append(
                f"{column.name} says when a row was made: what was begun before the first day is not deposited, whenever it is finished "
                "(--column date=…)"
            )
        if column.kind == "timestamptz":
            return f"(i.{column.quoted} at time zone 'Europe/Paris')::date"
        return f"i.{column.quoted}" + ("" if column.kind == "date" else "::date")

    def _seller(self) -> tuple[str, str]:
        if self._wish.seller is not None:
            if not SIREN.fullmatch(self._wish.seller):
                raise OperatorError("--seller must be a SIREN of nine digits, or a SIRET of fourteen")
            self._chose("seller_siren", f"always {self._wish.seller[:9]}")
            return literal(self._wish.seller[:9]), ""
        column = self._pick("seller")
        if column is not None:
            self._chose("seller_siren", column.name)
            return f"i.{column.quoted}", ""
        for own in known(self._table, "seller_id"):
            for reference in (each for each in self._table.references if each.column == own.name):
                other = self._found.table(reference.table)
                identifier = known(other, "seller")[0] if other and known(other, "seller") else None
                target = other.column(reference.target) if other else None
                if other and identifier and target:
                    self._chose("seller_siren", f"{other.name}.{identifier.name}, by {own.name}")
                    return (
                        f"s.{identifier.quoted}",
                        f"\nleft join {other.quoted} s on s.{target.quoted} {op('=')} i.{own.quoted}",
                    )
        raise OperatorError(
            f"{self._table.name} does not say who the seller is: give --column seller=… (a SIREN or SIRET), or --seller SIREN "
            "where it is always the same; where another table says it, give any --seller and --mapping FILE, and write the join there"
        )

    def _total(self) -> str:
        column = self._pick("total")
        if column is None:
            self._remarks.append(
                "no total was found: a deposit is recognised by number and document alone (--column total=…)"
            )
            return "null::numeric"
        self._chose("total", f"{column.name}: must be the amount with tax")
        return f"i.{column.quoted}"

    def _currency(self) -> str:
        column = self._pick("currency")
        self._chose("currency", column.name if column else "always EUR")
        return f"i.{column.quoted}" if column else "'EUR'"

    def _document(self) -> tuple[tuple[str, str], str | None]:
        if self._wish.documents is not None:
            self._chose("document_uri", self._wish.documents)
            return ("document_uri", address(self._table, self._wish.documents)), None
        column = self._pick("document", TEXT_KINDS | {"bytea"})
        if column is None:
            raise DocumentsUnknownError(
                f"{self._table.name} does not say where the documents lie: give --documents 's3://bucket/path/{{id}}.xml', "
                "or --column document=… (s3://… or bytea)",
                key=choose_key(self._table, self._wish).name,
            )
        part = "document" if column.kind == "bytea" else "document_uri"
        self._chose(part, f"{column.name} ({column.type})")
        return (part, f"i.{column.quoted}"), f"i.{column.quoted} is not null"

    def _finished(self) -> str | None:
        column = self._pick("status")
        if column is None:
            self._remarks.append(
                "no status was found: an invoice counts as finished as soon as its row is there (--column status=…)"
            )
            return None
        final = self._wish.final or likely_final(column)
        if not final:
            seen = f" (seen: {', '.join(column.values)})" if column.values else ""
            raise OperatorError(f"which {column.name} has a finished invoice{seen}? Give --final VALUE")
        unknown = [each for each in self._wish.final if column.values and each not in column.values]
        if unknown:
            self._remarks.append(f"no row that the statistics know has {', '.join(unknown)} in {column.name}")
        self._chose("finished", f"{column.name} = {' or '.join(final)}")
        others = [each for each in column.values if each not in final]
        if others:
            self._remarks.append(
                f"{column.name} is also {', '.join(others)}: an invoice that moves on before it was deposited "
                "is not deposited (--final may be repeated)"
            )
        return one_of(f"i.{column.quoted}", tuple(final))

    def _written(self) -> tuple[Column | None, Column | None, Column | None, Column | None]:
        status = self._roomy("technical_status", STATUS_LENGTH)
        submission = self._roomy("submission_id", ID_LENGTH)
        update = self._pick("last_technical_update", DATE_KINDS)
        lifecycle = self._optional("lifecycle_code")
        for part, column in (
            ("technical_status", status),
            ("submission_id", submission),
            ("last_technical_update", update),
        ):
            self._chose(part, f"{column.name}, written back" if column else "not there, so not written back")
        if status is None:
            self._remarks.append(
                "no technical_status: an invoice is deposited once it is finished; after a rejection, any change of its row sends it again"
            )
        elif status.values and "pending" not in status.values:
            self._remarks.append(
                f"{status.name} is {', '.join(status.values)} so far: only rows where it is 'pending' are deposited"
            )
        elif not status.has_default:
            self._remarks.append(
                f"{status.name} has no default: only rows that your application sets to 'pending' are deposited"
            )
        for column in known(self._table, "business_status") if lifecycle is None else ():
            self._remarks.append(
                f"{column.name} is left alone; --column lifecycle_code={column.name} has the French number (205) written there"
            )
        return status, submission, update, lifecycle

    def _roomy(self, part: str, length: int) -> Column | None:
        column = self._pick(part, TEXT_KINDS | {"uuid"} if part == "submission_id" else TEXT_KINDS)
        if column and column.length is not None and column.length < length:
            self._remarks.append(f"{column.name} is {column.type}, too short for {length} characters: it is left alone")
            return None
        return column
