"""docs/reliability.md, "After a restore": pause, reconcile, adopt, resume, by the commands that the page and the report name."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from functions.operate import app
from local.world.levers import World
from tests.operator import Operator

FORGET = "truncate facteur.submissions, facteur.attempts, facteur.status_events, facteur.changes, facteur.operations"


def test_what_a_restored_database_forgot_is_adopted_and_only_the_rest_is_deposited(
    world: World, operator: Operator
) -> None:
    for rank in (1, 7):
        world.add(rank)
    world.deposit()
    kept = {rank: world.submission(rank).platform_id for rank in (1, 7)}
    world.advance(700)
    day = world.database.row(
        "select ((facteur.now() - interval '700 s') at time zone 'Europe/Paris')::date::text as day"
    ).day
    world.database.rows(FORGET)
    assert operator.run("pause", "default", "--why", "restored", "--yes").code == 0
    for rank in (1, 7):
        world.update(rank, technical_status="pending", submission_id=None)
    world.add(8)

    world.deposit()
    commands = [each["help"] for each in unknown(operator, day)]
    result = [operator.run(*shlex.split(each)[1:], "--yes") for each in commands]
    left = unknown(operator, day)
    resumed = operator.run("resume", "default", "--why", "reconciled", "--yes")
    world.deposit()

    assert [each.code for each in (*result, resumed)] == [0, 0, 0], [each.err for each in result]
    assert left == []
    assert {rank: world.row(rank).submission_id for rank in (1, 7)} == kept
    assert [len(world.deposits(rank)) for rank in (1, 7, 8)] == [1, 1, 1]
    assert len(world.simulator.calls("deposit")) == 3


def test_a_function_whose_settings_are_wrong_says_which(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS_SOURCE", "gossip")
    world.new_container()

    answer = app.handler({"operation": "status"}, None)

    assert "STATUS_SOURCE must be auto or sweep or pull or history" in answer["error"]["message"]


def unknown(operator: Operator, day: str) -> list[Any]:
    differences = operator.ask("reconcile", "--day", day)["differences"]
    return [each for each in differences if each["code"] == "UNKNOWN_TO_US"]
