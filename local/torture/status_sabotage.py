"""What is read of a deposit, each protection that is code switched off in a worker after its fork."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from facteur.domain.decision import CORRECT_IT, final
from facteur.domain.status_updates import Ruling
from facteur.domain.submission import State
from local.torture.sabotage import switch
from local.torture.worker import Worker


def rule_nothing_unread(_worker: Worker) -> None:
    switch("rule_unread", lambda _: lambda *_about: None)


def believe_duplicates(_worker: Worker) -> None:
    switch("_asked_about", lambda _: lambda _due, problem, *_about: Ruling(final(State.REJECTED, problem, CORRECT_IT)))


def believe_every_date(_worker: Worker) -> None:
    def trusting(believed: Any) -> Any:
        return lambda event, due: event if event.occurred_at else believed(event, due)

    switch("believed", trusting)


def see_no_contradiction(_worker: Worker) -> None:
    switch("contradiction_in", lambda _: lambda _events: ())


def stop_at_one(_worker: Worker) -> None:
    @contextmanager
    def together(*_about: object, **_named: object) -> Iterator[None]:
        yield

    switch("alone", lambda _: together)
