"""No call of AWS outlives the run that began it. botocore's own times end no answer that drips: they begin anew with each byte."""

from __future__ import annotations

import threading
import time
from collections import deque
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
    waiting = deque(zip(calls, answers, strict=True))  # shared by the threads

    def work() -> None:
        while time.monotonic() < until:
            try:
                call, answer = waiting.popleft()
            except IndexError:
                return
            _take(call, answer)
            del call, answer

    for _ in range(min(at_once, len(calls))):
        threading.Thread(target=work, name="aws", daemon=True).start()
    wait(answers, max(0.0, min(until - time.monotonic(), threading.TIMEOUT_MAX)))
    return answers


def _take(call: Callable[[], Answer], answer: Future[Answer]) -> None:
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001  raised by whoever takes the answer
        answer.set_exception(error)
    finally:
        del (
            call,
            answer,
        )  # an exception holds its frames: in a circle, its connection would stay open until the next collection
