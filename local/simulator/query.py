"""The search language: `field:"value"`, AND, OR, NOT or -, parentheses, :> :>= :< :<= :=, ranges, and a trailing *."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

Value = str | float | None
Record = Mapping[str, Value]

TOKEN = re.compile(
    r"""\s*(?:
        (?P<paren>[()])
      | (?P<field>-?[A-Za-z_][\w.]*):(?P<op>>=|<=|>|<|=)?
      | (?P<range>[\[{][^\]}]*[\]}])
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<minus>-(?=\())
      | (?P<word>[^\s()":]+)
    )""",
    re.VERBOSE,
)
RANGE = re.compile(r'^[\[{]\s*(?P<low>"[^"]*"|\S+)\s+TO\s+(?P<high>"[^"]*"|\S+?)\s*[\]}]$')


class QueryError(ValueError):
    """The query cannot be parsed; the API answers 400."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `operator` is "", =, >, >=, <, <= or, for ranges, [] or {}."""

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
        if isinstance(found, str) and self.value.endswith("*"):
            return found.casefold().startswith(self.value[:-1].casefold())
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


def tokens(query: str) -> Iterator[tuple[str, str, str]]:
    """Kind, text and operator of each token."""
    position, query = 0, query.strip()
    while position < len(query):
        match = TOKEN.match(query, position)
        if match is None or match.end() == position:
            raise QueryError(f"unexpected {query[position:]!r}")
        kind = str(match.lastgroup if match.lastgroup != "op" else "field")
        yield kind, match.group(kind), match.group("op") or ""
        position = match.end()


@dataclass(slots=True)
class Parser:
    """Recursive descent over the tokens that are left."""

    tokens: list[tuple[str, str, str]]

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
        if self.take("("):
            inner = self.either()
            if not self.take(")"):
                raise QueryError("missing )")
            return inner
        return self.condition()

    def take(self, word: str) -> bool:
        if self.tokens and self.tokens[0][0] in {"paren", "word", "minus"} and self.tokens[0][1] == word:
            del self.tokens[0]
            return True
        return False

    def condition(self) -> Node:
        if len(self.tokens) < 2 or self.tokens[0][0] != "field":
            raise QueryError(f"expected field:value near {self.tokens[0][1]!r}" if self.tokens else "query ends early")
        _, field, operator = self.tokens.pop(0)
        kind, value, _ = self.tokens.pop(0)
        term = self.range(field.lstrip("-"), value) if kind == "range" else None
        if term is None:
            if kind not in {"quoted", "word"} or value in {"AND", "OR", "NOT"}:
                raise QueryError(f"no value for {field}")
            term = Term(field.lstrip("-"), operator, unquoted(value))
        return Not(term) if field.startswith("-") else term

    def range(self, field: str, written: str) -> Term:
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
    plain = isinstance(node, Term) and node.field == field and node.operator in {"", "="} and "*" not in node.value
    return node.value if plain and isinstance(node, Term) else None
