"""AWS on this machine: the emulator ministack in a process of its own, and how to reach it or any other AWS."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from local.start import HANGS_SECONDS, end, start_error
from local.world.postgres import free_port

REGION = "eu-west-3"
START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 10
GROUP_END_SECONDS = 0.3  # the dead may stay listed for longer, where nobody collects orphans
STARTS = 3  # somebody may take the free port before the emulator does
HANDED_DOWN = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Aws:
    """Where AWS answers and who asks; LocalStack, ministack and AWS differ in nothing else."""

    endpoint_url: str | None
    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Aws:
        """The AWS that the usual variables name; test credentials where they name none, as every emulator takes."""
        return cls(
            environ.get("AWS_ENDPOINT_URL"),
            environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or REGION,
            environ.get("AWS_ACCESS_KEY_ID", "test"),
            environ.get("AWS_SECRET_ACCESS_KEY", "test"),
            environ.get("AWS_SESSION_TOKEN"),
        )

    @property
    def session(self) -> boto3.Session:
        """The thread's own session; clients of it are made with `endpoint_url=aws.endpoint_url`."""
        return _session(self, threading.get_ident())

    def environ(self) -> dict[str, str]:
        """The variables that lead a child process, boto3 or the SAM CLI to the same place."""
        named = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }
        return {name: value for name, value in named.items() if value is not None}


@functools.cache
def _session(aws: Aws, _thread: int) -> boto3.Session:
    """Kept, because each reads the descriptions of AWS's services anew; per thread, because none may be shared."""
    return boto3.Session(
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=aws.secret_access_key,
        aws_session_token=aws.session_token,
        region_name=aws.region,
    )


@dataclass(slots=True)
class Emulator:
    """A running ministack; its functions run as child processes of it, by this same interpreter."""

    aws: Aws
    log: Path
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes]

    def answers(self) -> bool:
        """Whether it runs and answers; one that hangs does not."""
        return self.process.poll() is None and _answers(self.aws, HANGS_SECONDS)

    def revive(self) -> None:
        """Start it again at the same address, as empty as a new one.

        Raises:
            StartError: it did not become healthy.
        """
        stop_emulator(self)
        self.process = self.start()
        if not _healthy(self):
            raise start_error("ministack", self.log)


@contextmanager
def aws_emulator(
    *, auth: bool = False, log: Path | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Emulator]:
    """Start ministack on a free loopback port; its processes and files are gone on the way out.

    Args:
        auth: enforce IAM: a function may do what its execution role allows, the credentials of `Aws` may do all.
        log: where the emulator and its functions write; by default a file that vanishes with the emulator.
        environ: further variables for the emulator, which its functions inherit. They inherit nothing else from here.

    Raises:
        StartError: it did not become healthy.
    """
    folder = Path(tempfile.mkdtemp(prefix="facteur-aws-"))
    try:
        emulator = _start(folder, log or folder / "ministack.log", auth, environ or {})
        try:
            yield emulator
        finally:
            stop_emulator(emulator)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stop_emulator(emulator: Emulator) -> None:
    """Stop the emulator by process id, and then whatever its functions left in the process group it leads."""
    end(emulator.process, STOP_TIMEOUT_SECONDS)
    _kill_group(emulator.process.pid)


def _kill_group(leader: int) -> None:
    """Kill what is left of the process group, and give it a moment to go: its files are deleted next."""
    deadline = time.monotonic() + GROUP_END_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # nobody is left; macOS says it in the second way
            return
        time.sleep(0.01)


def _start(folder: Path, log: Path, auth: bool, environ: Mapping[str, str]) -> Emulator:
    for _ in range(STARTS):
        emulator = _launch(folder, log, auth, environ)
        if _healthy(emulator):
            return emulator
        stop_emulator(emulator)
    raise start_error("ministack", log)


def _launch(folder: Path, log: Path, auth: bool, environ: Mapping[str, str]) -> Emulator:
    port = free_port()
    aws = Aws(f"http://127.0.0.1:{port}", REGION, "test", "test")
    variables = {name: os.environ[name] for name in HANDED_DOWN if name in os.environ} | {
        "AUTH": "true" if auth else "false",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",  # it would listen on all addresses
        "HOME": str(folder),  # nobody reads the credentials or the .pgpass of whoever runs this
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "PYTHONDONTWRITEBYTECODE": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder),
        **environ,
    }

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle, not the emulator's
            )

    return Emulator(aws, log, start, start())


def _healthy(emulator: Emulator) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while emulator.process.poll() is None and time.monotonic() < deadline:
        if _answers(emulator.aws, 5.0):
            return True
        time.sleep(0.05)
    return False


def _answers(aws: Aws, seconds: float) -> bool:
    try:
        with urllib.request.urlopen(f"{aws.endpoint_url}/_ministack/health", timeout=seconds) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
