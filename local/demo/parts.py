"""The programs of a demo that is kept: each is started again when it dies or hangs, and gets again what was put into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg2
import requests
from botocore.exceptions import BotoCoreError, ClientError

T = TypeVar("T")

AWS_EMULATOR, POSTGRES = "AWS emulator", "Postgres"
# What a start meets while something that it needs is away: StartError, StackFailedError and FunctionFailedError are RuntimeErrors.
FAILURES = (RuntimeError, OSError, BotoCoreError, ClientError, psycopg2.Error, requests.RequestException)


class NotBackError(Exception):
    """A part did not come back: try again in a moment. The text says why, in one line."""


@dataclass(slots=True)
class Part:
    """A program that may die while all is kept.

    Args:
        name: as it is said.
        answers: whether it runs and answers; one that hangs does not.
        restart: starts it again at its address.
        lost: what its death has taken with it.
    """

    name: str
    answers: Callable[[], bool]
    restart: Callable[[], object]
    lost: str | None = None
    _put: list[Callable[[], object]] = field(default_factory=list, init=False)
    _whole: bool = field(default=True, init=False)

    def put(self, what: Callable[[], T]) -> T:
        """Put something into it, now and each time that it was started again, in this order."""
        given = what()
        self._put.append(what)
        return given

    def is_dead(self) -> bool:
        """Whether it does not answer, or has not got back all that was put into it."""
        return not (self._whole and self.answers())

    def revive(self) -> None:
        """Start it again, with all that was put into it.

        Raises:
            NotBackError: it did not work this time.
        """
        self._whole = False
        try:
            self.restart()
            for what in self._put:
                what()
        except FAILURES as error:
            words = " ".join(str(error).split())[:300]
            raise NotBackError(f"the {self.name} is not back yet ({type(error).__name__}: {words})") from error
        self._whole = True
