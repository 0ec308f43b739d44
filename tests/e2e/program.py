"""The demo as a user starts it: a program without a terminal, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 110
# None of this may lead a program away from this machine.
A_DEVELOPERS_SHELL = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "AWS_PROFILE": "of-another-job",
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}


@contextmanager
def demo(temporary: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A running demo; whatever happens, it is stopped in the end."""
    variables = {**os.environ, **A_DEVELOPERS_SHELL, "TMPDIR": str(temporary), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "local.demo", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        alarm = threading.Timer(PATIENCE_SECONDS, process.send_signal, [signal.SIGTERM])
        alarm.start()
        try:
            yield process
        finally:
            alarm.cancel()
            process.send_signal(signal.SIGTERM)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the program says up to and with the line that has these words."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"the demo never said {words!r}:\n{said}")


def left_by(temporary: Path) -> list[str]:
    """Files below the demo's folder, and processes that know it by their arguments or their environment."""
    mark = str(temporary).encode()
    found = [str(path) for path in temporary.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it has gone meanwhile
            continue
        if mark in known:
            found.append(known.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


def started(temporary: Path, program: str) -> int:
    """The oldest process of a program that knows the demo's folder."""
    mark, found = str(temporary).encode(), []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command, environ = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
            if mark in command + environ and program.encode() in command and b"local.demo" not in command:
                found.append(int(path.name))
    return min(found)
