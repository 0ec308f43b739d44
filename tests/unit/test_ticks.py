"""The demo's schedules: what cannot be prepared keeps nothing else waiting."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.demo.ticks import ticking
from local.world.aws import Aws
from local.world.stack import Stack

PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class CalledStack(Stack):
    """A stack without AWS, which notes when its relay was called."""

    called: threading.Event = field(default_factory=threading.Event)

    def invoke(self, function: str, event: object = None) -> Any:
        if function == "RelaySubmissionsFunction":
            self.called.set()


@pytest.mark.parametrize("error", [OSError("no such file"), ValueError("no such bucket")])
def test_the_relay_runs_although_nothing_could_be_prepared(error: Exception) -> None:
    stack = CalledStack(Aws(None, "eu-west-3", "test", "test"), "none", {}, {})

    def prepare() -> None:
        raise error

    with ticking(stack, lambda _line: None, prepare) as errors:
        assert stack.called.wait(PATIENCE_SECONDS)

    assert errors == []
