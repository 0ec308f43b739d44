"""The demo's schedules: what cannot be prepared keeps nothing else waiting."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from local.aws import Aws
from local.demo.ticks import ticking
from local.stack import Stack

PATIENCE_SECONDS = 10


class CalledStack(Stack):
    """A stack without AWS, which notes when its relay was called."""

    __slots__ = ("called",)

    def invoke(self, function: str, event: object = None) -> Any:
        if function == "RelaySubmissionsFunction":
            self.called.set()


@pytest.mark.parametrize("error", [OSError("no such file"), ValueError("no such bucket")])
def test_the_relay_runs_although_nothing_could_be_prepared(error: Exception) -> None:
    stack = CalledStack(Aws(None, "eu-west-3", "test", "test"), "none", {}, {})
    object.__setattr__(stack, "called", threading.Event())

    def prepare() -> None:
        raise error

    with ticking(stack, lambda _line: None, prepare) as errors:
        assert stack.called.wait(PATIENCE_SECONDS)

    assert errors == []
