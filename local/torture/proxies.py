"""A proxy of the harness in a process of its own, which ends with whoever started it."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local.torture.points import die_with_parent

START_TIMEOUT_SECONDS = 10.0


@contextmanager
def proxy_process(what: str, serve: Callable[[Callable[[], object]], None]) -> Iterator[None]:
    """Run `serve`, which calls its argument once it listens; killed on the way out."""
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    process = fork.Process(target=_run, args=(serve, ready), daemon=True)
    process.start()
    try:
        if not ready.wait(START_TIMEOUT_SECONDS):
            raise RuntimeError(f"the proxy before {what} did not start")
        yield
    finally:
        process.kill()
        process.join()


def _run(serve: Callable[[Callable[[], object]], None], ready: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    serve(ready.set)
