"""What is fuzzed: a parser of foreign input, what it may raise, and a fault of it that must be found.

What comes out must be fit to be stored: no character that Postgres refuses, no instant that it does not have.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import FunctionType
from typing import Any

from requests.structures import CaseInsensitiveDict

from facteur.platforms import foreign
from facteur.platforms.http import HttpAnswer

LONGEST_SECONDS = 1.0  # of CPU time for one input of some kilobytes


@dataclasses.dataclass(frozen=True, slots=True)
class Planted:
    """A fault to plant in a parser: a piece of a function's source and what it becomes."""

    function: Callable[..., Any]
    old: str
    new: str


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A parser of foreign input."""

    name: str
    parse: Callable[[bytes], object]
    samples: tuple[bytes, ...]
    allowed: tuple[type[Exception], ...]
    planted: Planted
    seconds: float = LONGEST_SECONDS

    def check(self, data: bytes) -> None:
        """Parse; raises whatever the parser may not raise, AssertionError for what cannot be stored or took too long."""
        began = time.thread_time()
        try:
            parsed = self.parse(data)
        except self.allowed:
            parsed = None
        assert time.thread_time() - began < self.seconds, f"{len(data)} bytes took too long"
        for value in _leaves(parsed):
            assert _storable(value), f"Postgres cannot store {value!r:.200}"


def _leaves(value: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, each.name) for each in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        yield from value.keys()
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _storable(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and value.encode("utf-8", "replace").decode() == value
    if isinstance(value, datetime):
        return foreign.FIRST_YEAR <= value.year <= foreign.LAST_YEAR
    return True


def answered(data: bytes, status: int = 200, content_type: str = "application/json") -> HttpAnswer:
    return HttpAnswer(status, CaseInsensitiveDict({"Content-Type": content_type}), data)


def sample(value: Any) -> bytes:
    return json.dumps(value).encode()


@contextmanager
def faulty(fault: Planted) -> Iterator[None]:
    """The parser with its fault, for as long as this lasts.

    Raises:
        LookupError: the parser reads otherwise now: whoever changed it must plant another fault.
    """
    function = fault.function
    assert isinstance(function, FunctionType)
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(fault.old) != 1:
        raise LookupError(f"{function.__qualname__} does not hold {fault.old!r} once")
    made: dict[str, Any] = {}
    exec(compile(source.replace(fault.old, fault.new), "planted", "exec"), function.__globals__ | {}, made)  # noqa: S102
    whole, function.__code__ = function.__code__, made[function.__name__].__code__
    try:
        yield
    finally:
        function.__code__ = whole
