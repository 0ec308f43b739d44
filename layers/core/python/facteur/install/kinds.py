"""Which kinds of documents a table holds besides invoices: quotes, orders. A person says which of them are invoices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from facteur.errors import OperatorError
from facteur.install.documents import literal, one_of, op
from facteur.install.model import Column, Found, Kind, KindColumn, Table, Wish
from facteur.install.names import PARTS, TEXT_KINDS, plain

ALIKE = 0.8  # from here on two words are one that is misspelt
EVERY = "*"  # all kinds of a column, later ones too
NONE = "(none)"  # a row that names no kind
MOST_KINDS = 50  # a column with more values says something else
KIND_WORDS = frozenset(
    ("type", "kind", "nature", "category", "categorie", "genre", "sorte", "class", "classe", "typ", "typologie")
)
DOCUMENT_WORDS = frozenset((
    "invoice", "invoices", "invoicing", "facture", "factures", "facturation", "document", "documents", "doc", "piece", "pieces", "bill",
    "billing", "move", "sale", "sales", "vente", "ventes", "commercial", "commerciale", "accounting", "comptable", "code", "id", "uuid",
    "key", "name", "label", "libelle", "nom", "no", "is", "est", "de", "du", "des", "la", "le", "l", "d", "of", "the", "sub", "sous",
))  # fmt: skip
# What a flag is called that divides documents: is_quote, est_un_avoir.
FLAG_WORDS = frozenset((
    "quote", "quotation", "devis", "estimate", "proforma", "pro", "forma", "avoir", "credit", "note", "creditnote", "invoice", "facture",
    "order", "commande", "template", "modele", "is", "est", "un", "une", "a", "an", "document", "doc",
))  # fmt: skip
# Values that only a kind of document has, without case, blanks, hyphens and underscores.
KIND_VALUES = frozenset((
    "quote", "quotes", "quotation", "devis", "estimate", "proforma", "factureproforma", "proformainvoice", "creditnote", "creditmemo",
    "avoir", "notedecredit", "facture", "invoice", "factureclient", "salesinvoice", "customerinvoice", "outinvoice", "outrefund",
    "factureacompte", "facturedacompte", "depositinvoice", "bondecommande", "bondelivraison", "deliverynote", "salesorder",
))  # fmt: skip
LABELS = ("code", "slug", "key", "name", "nom", "label", "libelle", "intitule", "title", "titre", "value", "valeur")


def named_like_kinds(found: Found, table: Table, wish: Wish) -> tuple[Column, ...]:
    """The columns that, by their names, say what kind of document a row is; the one that a person has named, and no other."""
    named = wish.columns.get("kind")
    return tuple(each for each in table.columns if (each.name == named if named else _names_kinds(found, table, each)))


def perhaps_kinds(table: Table, named: Sequence[Column], wish: Wish) -> tuple[Column, ...]:
    """Columns of text with another name, whose values may be those of kinds all the same."""
    parts = {plain(name) for names in PARTS.values() for name in names} | {
        plain(each) for each in wish.columns.values()
    }
    return tuple(
        each for each in table.columns
        if each not in named and plain(each.name) not in parts and (each.kind in TEXT_KINDS or each.enum)
    )  # fmt: skip


def lookup_of(found: Found, table: Table, column: Column) -> tuple[Table, Column, Column | None] | None:
    """The table that a column refers to, its key, and the column that names a kind there."""
    reference = next((each for each in table.references if each.column == column.name), None)
    other = found.table(reference.table) if reference else None
    target = other.column(reference.target) if other and reference else None
    if other is None or target is None:
        return None
    labels = (each for label in LABELS for each in other.columns if plain(each.name) == label and each != target)
    return other, target, next(labels, None)


def answered(columns: Sequence[KindColumn], given: Sequence[str]) -> tuple[KindColumn, ...]:
    """The columns with the kinds that a person has named as invoices: `standard,deposit`, `invoice_type=standard`, `nature=*`.

    Raises:
        OperatorError: what was given names no column, or one of several that have no such kind.
    """
    if given and not columns:
        raise OperatorError("no column of the table names kinds of documents (--kinds): name it with --column kind=…")
    named: dict[str, list[str | None]] = {}
    for text in given:
        for column, value in _read(columns, text):
            named.setdefault(column.name, []).append(value)
    return tuple(
        each.answered(tuple(dict.fromkeys(named[each.name]))) if each.name in named else each for each in columns
    )


def unanswered(columns: Sequence[KindColumn]) -> str | None:
    """What must be said before anything is installed, as a sentence; None: nothing."""
    open_columns = [each for each in columns if each.named is None]
    if not open_columns:
        return None
    choices = "; ".join(f"{each.name}: {shown(each)}" for each in open_columns)
    one = open_columns[0]
    prefix = f"{one.name}=" if len(columns) > 1 else ""
    return (
        f"the table names kinds of documents, and not all of them may be invoices. Say which are ({choices}): "
        f"--kinds {prefix}KIND,KIND; --kinds '{one.name}={EVERY}' where all are, also those to come"
    )


def shown(column: KindColumn) -> str:
    """The kinds of a column with how many documents each has."""
    return ", ".join(_with_count(each) for each in column.kinds) or "no row yet"


def is_invoice(columns: Sequence[KindColumn]) -> str | None:
    """The condition that a row is of a kind that was named; None: every row is."""
    return " and ".join(each for column in columns if (each := _is_named(column))) or None


def other_kind(columns: Sequence[KindColumn]) -> str | None:
    """What kind a row is of that is none of those named, as an expression; null for the others."""
    named = [
        f"case when not coalesce({condition}, false) then {_value(each, columns)} end"
        for each in columns if (condition := _is_named(each))
    ]  # fmt: skip
    if len(named) > 1:
        return f"nullif(pg_catalog.concat_ws(', ', {', '.join(named)}), '')"
    return named[0] if named else None


def left_out(columns: Sequence[KindColumn]) -> list[str]:
    """The kinds that a person has seen and not named, as `other_kind` shows them where one column names them."""
    several = len([each for each in columns if _is_named(each)]) > 1
    return [
        f"{column.name}={kind.value or NONE}" if several else kind.value or NONE
        for column in columns if column.named is not None and EVERY not in column.named
        for kind in column.kinds if kind.value not in column.named
    ]  # fmt: skip


def kind_remarks(columns: Sequence[KindColumn]) -> list[str]:
    """What to know of what was named."""
    unknown = {
        each.name: [value or NONE for value in each.named or () if value not in {EVERY, *(kind.value for kind in each.kinds)}]
        for each in columns
    }  # fmt: skip
    return [f"no document has {', '.join(values)} in {name} yet" for name, values in unknown.items() if values]


def _read(columns: Sequence[KindColumn], text: str) -> list[tuple[KindColumn, str | None]]:
    name, equals, values = text.partition("=")
    qualified = next((each for each in columns if each.name == name.strip()), None) if equals else None
    if equals and not qualified:
        raise OperatorError(f"--kinds {text}: kinds are named by {', '.join(each.name for each in columns)}")
    pieces = [each.strip() for each in (values if qualified else text).split(",") if each.strip()]
    return [_one(columns, qualified, each) for each in pieces]


def _one(columns: Sequence[KindColumn], qualified: KindColumn | None, value: str) -> tuple[KindColumn, str | None]:
    asked = (qualified,) if qualified else columns
    if value != EVERY:
        for column in asked:
            if (kind := _known(column, value)) is not None:
                return column, kind.value
    there = [kind.value or NONE for column in asked for kind in column.kinds]
    if alike := get_close_matches(value, there, 1, ALIKE):
        raise OperatorError(f"--kinds {value}: no document has it, and there is {alike[0]}: is that what you mean?")
    if len(asked) > 1:
        choice = " or ".join(f"--kinds {each.name}={value}" for each in asked)
        raise OperatorError(f"--kinds {value}: several columns name kinds, so say of which it is: {choice}")
    return asked[0], None if value == NONE else value


def _known(column: KindColumn, value: str) -> Kind | None:
    """The kind that is meant: by its value, by its label, and then without case, where only one is left."""
    exact = [each for each in column.kinds if value == (each.value or NONE)]
    alike = exact or [
        each
        for each in column.kinds
        if value.casefold() in [known.strip().casefold() for known in (each.value or NONE, each.label or "")]
    ]
    return alike[0] if len(alike) == 1 else None


def _with_count(kind: Kind) -> str:
    label = f" {kind.label}" if kind.label else ""
    return f"{kind.value or NONE}{label}" + (f" ({kind.documents:,})" if kind.documents is not None else "")


def _is_named(column: KindColumn) -> str | None:
    if column.named is None or EVERY in column.named:
        return None
    text, values = _text(column), [each for each in column.named if each is not None]
    conditions = [one_of(text, values)] if values else []
    conditions += [f"i.{column.quoted} is null"] if None in column.named else []
    return conditions[0] if len(conditions) == 1 else f"({' or '.join(conditions)})"


def _value(column: KindColumn, columns: Sequence[KindColumn]) -> str:
    value = f"coalesce({_text(column)}, {literal(NONE)})"
    return (
        f"{literal(column.name + '=')} {op('||')} {value}"
        if len([each for each in columns if _is_named(each)]) > 1
        else value
    )


def _text(column: KindColumn) -> str:
    return f"i.{column.quoted}" + ("" if column.kind in {"text", "varchar"} else "::text")


def _names_kinds(found: Found, table: Table, column: Column) -> bool:
    words = _words(column.name)
    if column.kind == "bool":
        return bool(words & FLAG_WORDS - {"is", "est", "a", "an", "un", "une", "note"}) and words <= FLAG_WORDS
    if column.name in table.primary_key or not (column.kind in _KIND_TYPES or column.enum):
        return False
    lookup = lookup_of(found, table, column)
    named = lookup[0].name.partition(".")[2] if lookup else ""
    return any(_of_a_kind(each) for each in (words, _words(named)))


def _of_a_kind(words: frozenset[str]) -> bool:
    return bool(words & KIND_WORDS) and words <= KIND_WORDS | DOCUMENT_WORDS


_KIND_TYPES = TEXT_KINDS | {"int2", "int4", "int8", "uuid", "char"}
_GLUED = re.compile(
    "({0})({1})|({1})({0})".format(
        "|".join(sorted(KIND_WORDS, key=len, reverse=True)),
        "|".join(sorted((each for each in DOCUMENT_WORDS if len(each) > 2), key=len, reverse=True)),
    )
)


def _words(name: str) -> frozenset[str]:
    """`invoice_type`, `invoiceType`, `typefacture`, `Document types`: the words, without a plural's s."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).casefold().replace("é", "e").replace("è", "e")
    words = [each for each in re.split(r"[^a-z]+", apart) if each]
    glued = _GLUED.fullmatch(words[0]) if len(words) == 1 else None
    words = [each for each in glued.groups() if each] if glued else words
    known = KIND_WORDS | DOCUMENT_WORDS | FLAG_WORDS
    return frozenset(each[:-1] if each not in known and each[:-1] in known else each for each in words)


def kinds_as_remembered(columns: Sequence[KindColumn]) -> Mapping[str, Sequence[str]]:
    """What was named, per column."""
    return {each.name: [value or NONE for value in each.named] for each in columns if each.named is not None}
