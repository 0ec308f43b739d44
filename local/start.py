"""What a program that did not start leaves: one sentence, and its log, which is kept."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

HANGS_SECONDS = 15.0  # a program that has not answered for so long hangs; a busy machine takes seconds
LOOPBACK = ("127.0.0.1", "127.0.0.2", "localhost", "::1")
AWS_FILES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
LAST_WORDS = 300  # characters of a log that are worth repeating


class StartError(RuntimeError):
    """A program did not start; the text is one sentence with the path of its log."""


def start_error(program: str, log: Path) -> StartError:
    """The error of a program whose log is about to be deleted with its folder: a copy of the log is kept."""
    descriptor, kept = tempfile.mkstemp(prefix=f"facteur-{program.lower()}-", suffix=".log")
    os.close(descriptor)
    shutil.copyfile(log, kept)
    last = " ".join(log.read_text(errors="replace")[-LAST_WORDS:].split())
    return StartError(f"{program} did not start ({last or 'it said nothing'}); its log: {kept}")


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Stop a program by process id: politely, and where that takes longer than so many seconds, at once."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stay_on_this_machine(*, asks_aws: bool = False) -> None:
    """Forget the user's AWS profile, and pass by his proxy to all that listens on loopback; children inherit that.

    Args:
        asks_aws: the AWS that he has exported for this program is meant.
    """
    for name in ("NO_PROXY", "no_proxy"):
        before = [os.environ[name]] if os.environ.get(name) else []
        os.environ[name] = ",".join([*before, *LOOPBACK])
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", *(() if asks_aws else ("AWS_ENDPOINT_URL",))):
        os.environ.pop(name, None)
    os.environ.update(dict.fromkeys(AWS_FILES, os.devnull))


def run_main(main: Callable[[], int | None], *, asks_aws: bool = False) -> NoReturn:
    """Run a program's main function on this machine alone; what it needs and did not start is said in a sentence, without a traceback."""
    stay_on_this_machine(asks_aws=asks_aws)
    try:
        sys.exit(main())
    except StartError as error:
        sys.exit(str(error))
