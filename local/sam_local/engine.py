"""A Docker engine: the one that answers here, or one of our own in a network namespace that nothing else of the machine sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.start import end

START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30
DRIVERS = ("overlay2", "vfs")
NEEDED = ("dockerd", "docker", "unshare", "ip", "iptables")


class NoEngineError(RuntimeError):
    """There is no engine and none can be started; the message says what is missing."""


def answering() -> str | None:
    """The program `docker`, where an engine answers it."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0:
        return docker
    return None


def check_own() -> None:
    """Raises NoEngineError where no engine of our own could be started."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise NoEngineError(f"no Docker engine answers, and to start one {', '.join(missing)} is missing")
    if os.geteuid() != 0:
        raise NoEngineError("no Docker engine answers, and to start one takes root")


@contextmanager
def own_engine() -> Iterator[str]:
    """Start dockerd in a folder of its own, in this process's network namespace; DOCKER_HOST leads to it while it runs.

    Raises:
        NoEngineError: it did not start.
    """
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = Path(tempfile.mkdtemp(prefix="facteur-docker-", dir="/var/tmp"))
    os.environ["DOCKER_HOST"] = f"unix://{folder}/d.sock"
    engine = _started(folder)
    try:
        yield "docker"
    finally:
        end(engine, STOP_TIMEOUT_SECONDS)
        del os.environ["DOCKER_HOST"]
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path) -> subprocess.Popen[bytes]:
    """With layers where the file system has them, else with whole copies, which take longer."""
    for driver in DRIVERS:
        data = folder / driver
        command = [
            "dockerd", "--data-root", str(data), "--exec-root", str(folder / "exec"), "--host", os.environ["DOCKER_HOST"],
            "--pidfile", str(folder / "pid"), "--storage-driver", driver, "--group", str(os.getgid()),
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            engine = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait(engine, folder / "log")
        except NoEngineError:
            end(engine, STOP_TIMEOUT_SECONDS)
            if driver == DRIVERS[-1]:
                raise
        else:
            return engine
    raise AssertionError("unreachable")


def _wait(engine: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while answering() is None:
        if engine.poll() is not None or time.monotonic() > deadline:
            raise NoEngineError(f"dockerd did not start: {log.read_text(errors='replace')[-400:]}")
        time.sleep(0.2)
