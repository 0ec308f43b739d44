"""The part of CloudWatch Logs Insights' query language that docs/logs.md uses, over lines that were captured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Row = dict[str, Any]
Test = Callable[[Row], bool]
TOKEN = re.compile(r'\s*(/(?:\\.|[^/\\])+/|"[^"]*"|-?\d+(?:\.\d+)?|[@\w.*]+|!=|>=|<=|[=<>(),\[\]])')


def query(text: str, lines: Iterable[str]) -> list[Row]:
    """What a query finds: the rows that Insights shows, in its order. Raises ValueError for what the subset lacks."""
    rows = [row for number, line in enumerate(lines) if (row := discovered(line, number))]
    shown: list[str] | None = None
    for command in (part.strip() for part in text.strip().split("\n|")):
        name, _, rest = command.partition(" ")
        if name == "fields":
            shown = [field.strip() for field in rest.split(",")]
        elif name == "filter":
            test = Filter(rest).whole()
            rows = [row for row in rows if test(row)]
        elif name == "stats":
            rows, shown = stats(rest, rows), None
        elif name == "sort":
            field, _, order = rest.partition(" ")
            rows = sorted(rows, key=lambda row: rank(row.get(field)), reverse=order == "desc")
        elif name == "limit":
            rows = rows[: int(rest)]
        else:
            raise ValueError(f"no such command here: {command}")
    return rows if shown is None else [{field: row.get(field) for field in shown} for row in rows]


def discovered(line: str, number: int) -> Row | None:
    """A JSON line's fields, as Insights discovers them; metrics and plain lines have none of ours."""
    if not line.startswith("{"):
        return None
    found = json.loads(line)
    scalars = {key: value for key, value in found.items() if not isinstance(value, list | dict)}
    return scalars | {"@message": line, "@timestamp": (found.get("timestamp", ""), number)}


def rank(value: Any) -> tuple[int, Any]:
    """Absent values first; numbers among numbers."""
    return (0, 0) if value is None else (1, value)


def stats(text: str, rows: Sequence[Row]) -> list[Row]:
    """`count(*) as a, pct(x, 95) as b by c, d`: a row for each group."""
    columns, _, by = text.partition(" by ")
    keys = [key.strip() for key in by.split(",") if key.strip()]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    wanted = re.findall(r"(\w+)\(([\w*]+)(?:, (\d+))?\) as (\w+)", columns)
    if len(wanted) != len(re.findall(r" as ", columns)):
        raise ValueError(f"cannot read {columns}")
    return [
        dict(zip(keys, group, strict=True))
        | {name: aggregated(function, field, percent, members) for function, field, percent, name in wanted}
        for group, members in groups.items()
    ]


def aggregated(function: str, field: str, percent: str, rows: Sequence[Row]) -> float:
    """One value of a group."""
    if (function, field) == ("count", "*"):
        return len(rows)
    values = sorted(row[field] for row in rows if field in row)
    if function == "pct":
        return float(values[min(len(values) - 1, len(values) * int(percent) // 100)])
    functions: dict[str, Callable[[list[float]], float]] = {
        "max": max, "min": min, "sum": sum, "avg": lambda each: sum(each) / len(each),
    }  # fmt: skip
    return functions[function](values)


class Filter:
    """`and`, `or`, `not`, parentheses; comparisons, `like /…/`, `in […]`, `ispresent(…)`."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(f"cannot read {text[at:]}")
            self.tokens.append(found[1])
            at = found.end()

    def whole(self) -> Test:
        test = self.any_of()
        if self.tokens:
            raise ValueError(f"not understood: {self.tokens}")
        return test

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self.took("or"):
            tests.append(self.all_of())
        return lambda row: any(test(row) for test in tests)

    def all_of(self) -> Test:
        tests = [self.single()]
        while self.took("and"):
            tests.append(self.single())
        return lambda row: all(test(row) for test in tests)

    def single(self) -> Test:
        if self.took("not"):
            test = self.single()
            return lambda row: not test(row)
        if self.took("("):
            test = self.any_of()
            self.expect(")")
            return test
        if self.took("ispresent"):
            self.expect("(")
            field = self.tokens.pop(0)
            self.expect(")")
            return lambda row: field in row
        return self.comparison(self.tokens.pop(0), self.tokens.pop(0))

    def comparison(self, field: str, sign: str) -> Test:
        if sign == "in":
            return self.membership(field)
        value = literal(self.tokens.pop(0))
        if sign == "like":
            pattern = value if isinstance(value, re.Pattern) else re.compile(re.escape(value))
            return lambda row: bool(pattern.search(str(row.get(field, ""))))
        compare: dict[str, Callable[[Any], bool]] = {
            "=": lambda found: bool(found == value), "!=": lambda found: bool(found != value),
            ">=": lambda found: found is not None and found >= value, "<=": lambda found: found is not None and found <= value,
            ">": lambda found: found is not None and found > value, "<": lambda found: found is not None and found < value,
        }  # fmt: skip
        chosen = compare[sign]
        return lambda row: chosen(row.get(field))

    def membership(self, field: str) -> Test:
        self.expect("[")
        values = [literal(self.tokens.pop(0))]
        while self.took(","):
            values.append(literal(self.tokens.pop(0)))
        self.expect("]")
        return lambda row: row.get(field) in values

    def took(self, token: str) -> bool:
        if self.tokens[:1] != [token]:
            return False
        del self.tokens[0]
        return True

    def expect(self, token: str) -> None:
        if not self.took(token):
            raise ValueError(f"{token} expected before {self.tokens}")


def literal(token: str) -> Any:
    """A text, a number, or a pattern."""
    if token.startswith("/"):
        return re.compile(token[1:-1])
    return token[1:-1] if token.startswith('"') else float(token)
