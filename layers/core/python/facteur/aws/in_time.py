"""No call of AWS outlives the run that began it. botocore's own times end no answer that drips: they begin anew with each byte."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

Answer = TypeVar("Answer")
NO_ANSWER = "no_answer_in_time"


def in_time(call: Callable[[], Answer], until: float) -> Answer:
    """What a call answers, or raises, by `until` (monotonic).

    Raises:
        TimeoutError: it was not begun, or is left behind: nobody knows whether AWS does what was asked.
    """
    return all_in_time([call], until)[0].result(timeout=0)


def all_in_time(calls: Sequence[Callable[[], Answer]], until: float, at_once: int = 1) -> list[Future[Answer]]:
    """An answer for each call, when all are there or it is `until`; an answer that is not done was not there in time.

    So many calls go at once, and none begins after `until`. What is left behind keeps no program from its end.
    """
    answers = [Future[Answer]() for _ in calls]
    waiting = iter(list(zip(calls, answers, strict=True)))  # shared by the threads

    def work() -> None:
        for call, answer in waiting:
            if time.monotonic() >= until:
                return
            try:
                answer.set_result(call())
            except BaseException as error:  # noqa: BLE001  raised by whoever takes the answer
                answer.set_exception(error)

    for _ in range(min(at_once, len(calls))):
        threading.Thread(target=work, name="aws", daemon=True).start()
    wait(answers, max(0.0, min(until - time.monotonic(), threading.TIMEOUT_MAX)))
    return answers
