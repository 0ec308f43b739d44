"""The search language: `field:"value"`, AND, OR, NOT or -, parentheses, :> :>= :< :<= :=, ranges, and a trailing *."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

Value = str | float | None


class Record(Protocol):
    """Anything that knows the value of each field."""

    def __getitem__(self, field: str, /) -> Value: ...


STRUCTURE = re.compile(
    r"""\s*(?:(?P<paren>[()])|(?P<field>-?[A-Za-z_][\w.]*):(?P<operator>>=|<=|>|<|=)?|(?P<word>-(?=\()|[^\s()":]+))"""
)
VALUE = re.compile(r"""\s*(?:(?P<range>[\[{][^\]}]*[\]}])|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()"]+))""")
RANGE = re.compile(r'^[\[{]\s*(?P<low>"[^"]*"|\S+)\s+TO\s+(?P<high>"[^"]*"|\S+?)\s*[\]}]$')


LOOSE = "~"


class Token(NamedTuple):
    """A piece of a query; `operator` belongs to fields."""

    kind: str
    text: str
    operator: str


class QueryError(ValueError):
    """The query cannot be parsed; the API answers 400."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `operator` is "", =, >, >=, <, <=, [] or {} for ranges, or LOOSE, which no query can write."""

    field: str
    operator: str
    value: str
    high: str = ""

    def matches(self, record: Record) -> bool:
        found = record[self.field]
        if found is None:
            return False
        if self.operator in {"[]", "{}"}:
            low, high = ORDER[">=" if self.operator == "[]" else ">"], ORDER["<=" if self.operator == "[]" else "<"]
            return unbounded(self.value, found, low) and unbounded(self.high, found, high)
        if self.operator in ORDER:
            return compare(found, self.value, ORDER[self.operator])
        if isinstance(found, str) and (self.operator == LOOSE or self.value.endswith("*")):
            return found.casefold().startswith(self.value.rstrip("*").casefold())
        return compare(found, self.value, lambda one, other: one == other)


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node

    def matches(self, record: Record) -> bool:
        return not self.inner.matches(record)


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]

    def matches(self, record: Record) -> bool:
        return all(part.matches(record) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]

    def matches(self, record: Record) -> bool:
        return any(part.matches(record) for part in self.parts)


Node = Term | Not | And | Or
ORDER: dict[str, Callable[[float | str, float | str], bool]] = {
    ">": lambda one, other: one > other,  # type: ignore[operator]
    ">=": lambda one, other: one >= other,  # type: ignore[operator]
    "<": lambda one, other: one < other,  # type: ignore[operator]
    "<=": lambda one, other: one <= other,  # type: ignore[operator]
}


def compare(found: str | float, written: str, relation: Callable[[float | str, float | str], bool]) -> bool:
    """Compare as numbers or instants where the record holds one, else as words without regard to case."""
    if isinstance(found, str):
        return relation(found.casefold(), written.casefold())
    return relation(found, number(written))


def unbounded(bound: str, found: str | float, relation: Callable[[float | str, float | str], bool]) -> bool:
    return bound == "*" or compare(found, bound, relation)


def number(written: str) -> float:
    """A number, or an instant in seconds since 1970; dates without a zone are UTC."""
    try:
        return float(written)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(written)
    except ValueError as error:
        raise QueryError(f"neither number nor date: {written!r}") from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def parse(query: str) -> Node:
    """The query's tree; QueryError when it does not follow the language."""
    parser = Parser(list(tokens(query)))
    node = parser.either()
    if parser.tokens:
        raise QueryError(f"unexpected {parser.tokens[0][1]!r}")
    return node


def tokens(query: str) -> Iterator[Token]:
    """Words and parentheses, fields, and after each field its value."""
    position, query, expected = 0, query.strip(), STRUCTURE
    while position < len(query):
        match = expected.match(query, position)
        if match is None or match.end() == position:
            raise QueryError(f"unexpected {query[position:]!r}")
        kind = next(name for name in expected.groupindex if match[name])
        yield Token(kind, match[kind], match["operator"] or "" if kind == "field" else "")
        position, expected = match.end(), VALUE if kind == "field" else STRUCTURE


@dataclass(slots=True)
class Parser:
    """Recursive descent over the tokens that are left."""

    tokens: list[Token]

    def either(self) -> Node:
        parts = [self.both()]
        while self.take("OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self) -> Node:
        parts = [self.negated()]
        while self.take("AND"):
            parts.append(self.negated())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negated(self) -> Node:
        if self.take("NOT") or self.take("-"):
            return Not(self.negated())
        if not self.take("("):
            return self.condition()
        inner = self.either()
        if not self.take(")"):
            raise QueryError("missing )")
        return inner

    def take(self, word: str) -> bool:
        if self.tokens and self.tokens[0].kind != "field" and self.tokens[0].text == word:
            del self.tokens[0]
            return True
        return False

    def condition(self) -> Node:
        if len(self.tokens) < 2 or self.tokens[0].kind != "field":
            raise QueryError(
                f"expected field:value near {self.tokens[0].text!r}" if self.tokens else "query ends early"
            )
        field, value = self.tokens.pop(0), self.tokens.pop(0)
        name = field.text.lstrip("-")
        term = span(name, value.text) if value.kind == "range" else Term(name, field.operator, unquoted(value.text))
        return Not(term) if field.text.startswith("-") else term


def span(field: str, written: str) -> Term:
    match = RANGE.match(written)
    if match is None:
        raise QueryError(f"not a range: {written}")
    return Term(field, written[0] + written[-1], unquoted(match["low"]), unquoted(match["high"]))


def unquoted(written: str) -> str:
    return re.sub(r"\\(.)", r"\1", written[1:-1]) if written.startswith('"') else written


def terms(node: Node) -> Iterator[Term]:
    """Every condition in a query."""
    if isinstance(node, Term):
        yield node
    elif isinstance(node, Not):
        yield from terms(node.inner)
    else:
        for part in node.parts:
            yield from terms(part)


def required(node: Node, field: str) -> str | None:
    """The one value that `field` must have for the query to match, where the query is that plain."""
    if isinstance(node, And):
        return next((found for part in node.parts if (found := required(part, field)) is not None), None)
    plain = (
        isinstance(node, Term) and node.field == field and node.operator in {"", "=", LOOSE} and "*" not in node.value
    )
    return node.value if plain and isinstance(node, Term) else None


def alternatives(node: Node, field: str) -> set[str] | None:
    """The values of which `field` must have one for the query to match, where the query is that plain."""
    if isinstance(node, And):
        return next((found for part in node.parts if (found := alternatives(part, field)) is not None), None)
    if isinstance(node, Or):
        each = [alternatives(part, field) for part in node.parts]
        return {value for found in each for value in found or ()} if None not in each else None
    value = required(node, field)
    return None if value is None else {value}


def span_of(node: Node, field: str) -> tuple[float, float]:
    """The numbers or instants between which `field` must lie for the query to match, bounds included."""
    if isinstance(node, And):
        spans = [span_of(part, field) for part in node.parts]
        return max(low for low, _ in spans), min(high for _, high in spans)
    if isinstance(node, Term) and node.field == field:
        if node.operator in {">", ">="}:
            return number(node.value), math.inf
        if node.operator in {"<", "<="}:
            return -math.inf, number(node.value)
    return -math.inf, math.inf
