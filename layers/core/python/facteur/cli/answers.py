"""What an operation answers, as the value that it is: made again of its JSON, whether a stack carried it out or this terminal.

By hand, for the libraries that do it are lenient: with cattrs null becomes the text "None", and a text a tuple of its letters.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from facteur import __version__, errors
from facteur.errors import FacteurError, OperatorError

Answer = TypeVar("Answer")
OTHER_VERSION = (
    f"the stack answers as another version than this command, which is facteur {__version__}: use the command of the release "
    "that the stack runs"
)
_hints = functools.cache(get_type_hints)


def answered(operation: Callable[..., Answer], answer: Mapping[str, Any]) -> Answer:
    """The operation's own value.

    Raises:
        FacteurError: it could not be done; the class is the one that the answer names.
        OperatorError: the answer is of another version.
    """
    try:
        if "error" not in answer:
            return made(_hints(operation)["return"], answer["result"])  # type: ignore[no-any-return]
        error = _error(made(str, answer["error"]["type"]), made(str, answer["error"]["message"]))
    except (ArithmeticError, KeyError, TypeError, ValueError):
        raise OperatorError(OTHER_VERSION) from None
    raise error


def made(kind: Any, value: Any) -> Any:
    """The value of a type, of what JSON has of it. Fields that the type does not have are left out.

    Raises:
        ArithmeticError, TypeError, ValueError: it is of another type, or lacks a field.
    """
    if isinstance(kind, UnionType):
        return None if value is None else made(get_args(kind)[0], value)
    if get_origin(kind) is tuple:
        return tuple(made(get_args(kind)[0], each) for each in _of(list, value))
    if get_origin(kind) is Mapping:
        return {key: made(get_args(kind)[1], each) for key, each in _of(dict, value).items()}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: made(hints[name], each) for name, each in _of(dict, value).items() if name in hints})
    if issubclass(kind, date):
        return kind.fromisoformat(value)
    if issubclass(kind, Decimal | Enum):
        return kind(_of(str, value))
    return _of((int, float) if kind is float else kind, value)


def _of(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is no {kind}")
    return value


def _error(name: str, message: str) -> FacteurError:
    named = getattr(errors, name, None)
    kind = named if isinstance(named, type) and issubclass(named, FacteurError) else OperatorError
    return kind.__new__(kind, message)  # what else it is made of stayed where it was raised
