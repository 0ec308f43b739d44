"""Looking, acting and owning are three functions: each carries out its own operations, and what is done is recorded with who and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from facteur.operate.dispatch import ACT, ACTS, OPERATIONS, OWN, OWNS, READ, READS, function_for
from functions.migrate_database import app as migrate_database
from functions.operate import app as operate
from functions.operate_read import app as operate_read
from local.world.levers import World
from tests.installations import build, install
from tests.operator import Operator
from tests.rows import Rows

HANDLERS = {READ: operate_read.handler, ACT: operate.handler, OWN: migrate_database.handler}
MAY = {READ: READS, ACT: (*READS, *ACTS), OWN: OWNS}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "show": {"what": "1"}, "reconcile": {"day": "2026-11-01"}, "preview_backlog": {"since": "2026-01-01"},
    "submit_backlog": {"since": "2026-01-01", "who": "w", "why": "y"},
    "lower_submit_from": {"since": "2026-01-01", "include_pending": False, "who": "w", "why": "y"},
    "adopt": {"what": "1", "platform_id": "p", "who": "w", "why": "y"},
    "limit": {"account": "default", "per_minute": None, "who": "w", "why": "y"},
    "route": {"account": "default", "to": "x", "since": "2026-01-01", "who": "w", "why": "y"},
    "redrive": {"who": "w", "why": "y"}, "init": {}, "uninstall": {"dry_run": True},
    **{name: {"what": "1", "who": "w", "why": "y"} for name in ("retry", "reject")},
    **{name: {"account": "default", "who": "w", "why": "y"} for name in ("pause", "resume", "repin")},
}  # fmt: skip
INSTALLING: dict[str, Any] = {
    "table": "invoicing.invoices",
    "final": ["final"],
    "submit_from": "2026-09-01",
    "apply": True,
    "replace": True,
    "who": "jane@desk",
    "why": "a better view",
}


@dataclass(frozen=True)
class Context:
    """Of an invocation."""

    aws_request_id: str = "invocation-7"


def _asked(function: str, operation: str, caller: Any = None, **arguments: Any) -> Any:
    event = {"operation": operation, "arguments": arguments, "caller": caller}
    return HANDLERS[function](event, Context())


@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_refuses_every_operation_of_another(world: World, function: str) -> None:
    foreign = [name for name, each in OPERATIONS.items() if each not in MAY[function]]

    answers = {name: _asked(function, name, **ARGUMENTS.get(name, {})) for name in foreign}

    assert foreign
    for name, answer in answers.items():
        right = function_for(name, {})
        assert answer["error"]["message"] == f"{name} is asked of the stack's function {right}, not of {function}"


@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_is_given_every_operation_that_a_terminal_sends_it(function: str) -> None:
    sent = {name for name in OPERATIONS if function_for(name, {}) == function}

    assert sent <= {each.__name__ for each in MAY[function]}


def test_what_is_deep_writes_and_so_is_no_readers() -> None:
    assert function_for("doctor", {}) == READ
    assert function_for("doctor", {"deep": False}) == READ
    assert function_for("doctor", {"deep": True}) == ACT


def test_a_mapping_that_an_operator_sends_runs_nothing_as_the_owner(world: World) -> None:
    mapping = "create table public.taken as select current_user as who"

    answer = _asked(ACT, "init", mapping=mapping, **INSTALLING)

    assert answer["error"]["type"] == "OperatorError"
    assert world.database.row("select to_regclass('public.taken') as it").it is None


def test_an_operator_cannot_drop_what_proves_the_deposits(world: World) -> None:
    answer = _asked(ACT, "uninstall", drop_data=True, force=True)

    assert answer["error"]["type"] == "OperatorError"
    assert world.database.row("select to_regnamespace('facteur') as it").it is not None


def test_with_two_roles_the_owners_secret_installs_and_the_worker_keeps_its_rights(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER_ROLE", "facteur_worker")
    world.new_container()
    assert "result" in _asked(OWN, "uninstall", drop_data=True, drop_columns=False, force=True)

    proposed = _asked(OWN, "init", table="invoicing.invoices", final=["final"])
    installed = _asked(OWN, "init", **INSTALLING)

    assert proposed["result"]["plan"]["table"] == "invoicing.invoices", proposed
    assert installed["result"]["applied"] is True, installed
    assert _asked(READ, "status")["result"]["installation"]["watching"] is True


def test_an_installation_is_recorded_with_who_why_and_counts(world: World) -> None:
    caller = "arn:aws:sts::123456789012:assumed-role/owner/jane"

    for operation, arguments in (("uninstall", {"who": "jane@desk", "why": "moved"}), ("init", INSTALLING)):
        answer = _asked(OWN, operation, caller, **arguments)
        assert "result" in answer, answer

    removed, made = world.database.rows("select * from facteur.operations order by id")
    assert (removed.operation, removed.who, removed.why) == ("uninstall", "jane@desk", "moved")
    assert removed.detail.pop("statements") > 0
    assert removed.detail == {"open": 0, "known": 0, "deposited": 0, "force": False, "drop_columns": False}
    assert (made.operation, made.who, made.why) == ("init", "jane@desk", "a better view")
    expected = {"table": "invoicing.invoices", "first_day": "2026-09-01", "ready": 0}
    assert {name: made.detail[name] for name in expected} == expected
    assert {(each.caller, each.request_id, each.session_role) for each in (removed, made)} == {
        (caller, "invocation-7", "app")
    }


def test_an_act_is_recorded_beside_the_name_that_was_given_with_who_it_was(world: World) -> None:
    answer = _asked(ACT, "pause", "arn:aws:iam::1:user/mallory", account="default", who="jane@desk", why="lunch")

    assert "result" in answer, answer
    recorded = world.database.row("select who, caller, request_id, session_role from facteur.operations")
    assert recorded == ("jane@desk", "arn:aws:iam::1:user/mallory", "invocation-7", "facteur_worker")


@pytest.mark.parametrize("caller", [None, "", 7, ["x"], {"arn": "x"}])
def test_a_caller_that_is_no_text_is_none(world: World, caller: Any) -> None:
    assert "result" in _asked(ACT, "pause", caller, account="default", who="jane@desk", why="lunch")

    assert world.database.row("select caller from facteur.operations").caller is None


@pytest.mark.parametrize("named", [None, "", "another", "MINE", "mine "])
def test_the_data_of_a_stack_is_dropped_only_where_the_stack_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "mine-migrate-database")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "mine")
    world.new_container()

    refused = _asked(OWN, "uninstall", drop_data=True, stack=named)

    assert "only where the stack is named" in refused["error"]["message"]
    assert _asked(OWN, "uninstall", drop_data=True, dry_run=True)["result"]["done"] is False
    assert _asked(OWN, "uninstall", drop_data=True, stack="mine")["result"]["done"] is True
    assert world.database.row("select to_regnamespace('facteur') as it").it is None


def test_from_a_terminal_an_installation_is_signed_by_whoever_runs_it(bare: Rows) -> None:
    build(bare, "french")
    result = install(bare, "--why", "we begin")

    assert result.code == 0
    recorded = bare.value("select who from facteur.operations where operation = 'init' and why = 'we begin'")
    assert "@" in recorded
    assert Operator(bare.url).run("uninstall", "--yes", "--who", "jane").code == 0
    assert bare.value("select why from facteur.operations where who = 'jane'") == "not said"
