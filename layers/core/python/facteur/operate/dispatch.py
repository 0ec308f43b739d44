"""From a request in JSON to an operation, and from its answer to JSON: a terminal and the deployed stack do the same.

A stack has three functions for it, each with the rights that its operations need and no others: see `function_for`.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from facteur.errors import FacteurError, OperatorError
from facteur.operate.accounts import accounts, limit, route
from facteur.operate.acts import pause, redrive, reject, repin, resume, retry, retry_many
from facteur.operate.adopt import adopt
from facteur.operate.backlog import lower_submit_from, preview_backlog, submit_backlog
from facteur.operate.dead_letters import dead_letters
from facteur.operate.doctor.run import doctor
from facteur.operate.install import init, uninstall
from facteur.operate.listing import list_invoices
from facteur.operate.model.acts import Caller
from facteur.operate.preview import preview
from facteur.operate.reconcile.run import reconcile
from facteur.operate.services import OperateServices
from facteur.operate.status import status
from facteur.operate.story import show

Operation = Callable[..., Any]
READ, ACT, OWN = "operate-read", "operate", "migrate-database"  # a stack's functions, without its name
READS: tuple[Operation, ...] = (status, doctor, show, list_invoices, accounts, dead_letters)
ACTS: tuple[Operation, ...] = (
    preview, preview_backlog, reconcile,  # no acts, but they spend permits, fetch documents, or write and roll back
    retry, retry_many, reject, adopt, pause, resume, redrive, repin, submit_backlog, limit, route,
)  # fmt: skip
OWNS: tuple[Operation, ...] = (init, uninstall, lower_submit_from)
OPERATIONS: Mapping[str, Operation] = {each.__name__: each for each in (*READS, *ACTS, *OWNS)}
LONGEST_IDENTITY = 2048  # of an ARN
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def function_for(name: str, arguments: Mapping[str, Any]) -> str:
    """The function of a stack that an operation is asked of: the one with the fewest rights. What is `deep` writes and rolls back."""
    if name in {each.__name__ for each in OWNS}:
        return OWN
    return READ if name in {each.__name__ for each in READS} and not arguments.get("deep") else ACT


def operate(
    request: Mapping[str, Any], services: OperateServices, *, function: str | None = None, request_id: str | None = None
) -> dict[str, Any]:
    """Carry out `{"operation": "status", "arguments": {}, "caller": …}`.

    Args:
        function: which of a stack's functions is asked: it carries out its own operations only. None: a terminal, which may all.
        request_id: of the invocation.

    Returns:
        `{"result": …}`, or `{"error": {"type", "message"}}` where it could not be done; then nothing was.
    """
    try:
        operation, arguments = _bound(request, function)
        asked = dataclasses.replace(services, caller=Caller(_identity(request.get("caller")), request_id))
        return {"result": as_plain(operation(asked, **arguments))}
    except FacteurError as error:
        return refusal(error)


def invoked(
    request: Mapping[str, Any], context: Any, function: str, services: Callable[[], OperateServices]
) -> dict[str, Any]:
    """The same in a function of a stack: a setting that is wrong is an answer as well, for whoever asks is who can correct it."""
    try:
        request_id = getattr(context, "aws_request_id", None)
        return operate(request, services(), function=function, request_id=request_id)
    except FacteurError as error:
        return refusal(error)


def _check_function(function: str | None, name: str, arguments: Mapping[str, Any]) -> None:
    """Who may invoke a function may ask it for no more than its own. Who may act may read."""
    right = function_for(name, arguments)
    if function not in {None, right} and (function, right) != (ACT, READ):
        raise OperatorError(f"{name} is asked of the stack's function {right}, not of {function}")


def _identity(claimed: object) -> str | None:
    return claimed[:LONGEST_IDENTITY] if isinstance(claimed, str) and claimed.strip() else None


def refusal(error: FacteurError) -> dict[str, Any]:
    """The answer where something could not be done."""
    return {"error": {"type": type(error).__name__, "message": str(error)}}


def _bound(request: Mapping[str, Any], function: str | None) -> tuple[Operation, dict[str, Any]]:
    name, arguments = request.get("operation"), request.get("arguments") or {}
    operation = OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        raise OperatorError(f"there is no operation {name!r}; there are {', '.join(sorted(OPERATIONS))}")
    if not isinstance(arguments, dict):
        raise OperatorError(f"the arguments of {name} must be an object")
    _check_function(function, operation.__name__, arguments)
    try:
        inspect.signature(operation).bind(None, **arguments)
    except TypeError as exc:
        raise OperatorError(f"{name}: {exc}") from None
    hints = get_type_hints(operation)
    wrong = sorted(each for each, value in arguments.items() if not _fits(value, hints[each]))
    if wrong:
        raise OperatorError(f"{name}: wrong type of {', '.join(wrong)}")
    if any(UNSTORABLE.search(each) for value in arguments.values() for each in _texts(value)):
        raise OperatorError(f"{name}: no argument may hold NUL or half a character: no database takes it")
    return operation, arguments


def _texts(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(kind, UnionType):
        return any(_fits(value, each) for each in get_args(kind))
    if get_origin(kind) is list:
        return isinstance(value, list) and all(_fits(each, get_args(kind)[0]) for each in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def as_plain(value: Any) -> Any:
    """An answer as JSON has it: times in ISO 8601, money as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        return [as_plain(each) for each in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value.value if isinstance(value, Enum) else value
