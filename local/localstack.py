"""LocalStack on this machine, without a token: its last free release, in an environment of its own.

`python -m local.localstack COMMAND …` runs a command with AWS_ENDPOINT_URL naming one whose functions run in containers; it needs
Docker, and the internet for what they run in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from local.demo.containers import NoContainersError, bridge_address
from local.forward import LOOPBACK
from local.interpreters import interpreter as interpreter_of
from local.sam import ROOT
from local.start import StartError, end, run_main, start_error
from local.world.aws import HANDED_DOWN, REGION, Aws
from local.world.postgres import free_port

PINNED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["facteur"]["localstack"]
PYTHON, PACKAGE = PINNED["python"], PINNED["package"]
PLACE = ROOT / ".local" / "localstack"
START_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 20
LOOK_SECONDS = 0.2
# Containers name the processor of whoever built the layers, whatever the template says; and the platform may answer without TLS
# at the address by which they reach this machine, as in the containers of `sam local`.
FOR_FUNCTIONS = {"LAMBDA_IGNORE_ARCHITECTURE": "1", "LAMBDA_DOCKER_FLAGS": "-e AWS_SAM_LOCAL=true"}


class NoLocalStackError(RuntimeError):
    """It cannot be had here; the message says why."""


def installed() -> Path:
    """The interpreter of an environment that has it; made on first use.

    Raises:
        NoLocalStackError: there is no Python 3.13, or the package registry was not reached.
    """
    interpreter = PLACE / "bin" / "python"
    ready = PLACE / ".ready"
    if ready.exists():
        return interpreter
    uv = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
    _run(
        "no Python 3.13 was found",
        uv,
        "venv",
        "--quiet",
        "--clear",
        "--python",
        interpreter_of(PYTHON) or PYTHON,
        str(PLACE),
    )
    _run(
        f"{PACKAGE} was not installed", uv, "pip", "install", "--quiet", "--python", str(interpreter),
        "--exclude-newer", PINNED["as-of"], PACKAGE,
    )  # fmt: skip
    ready.touch()
    return interpreter


@contextmanager
def localstack(address: str | None = None) -> Iterator[Aws]:
    """Start it on a free loopback port; its process and its files are gone on the way out.

    Args:
        address: where containers reach this machine; it listens there as well, and its functions run in them.

    Raises:
        NoLocalStackError: it cannot be had here.
        StartError: it did not become healthy.
    """
    interpreter, port = installed(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="facteur-localstack-"))
    aws = Aws(f"http://{address or LOOPBACK}:{port}", REGION, "test", "test")
    own = FOR_FUNCTIONS | {"LOCALSTACK_HOST": f"{address}:{port}"} if address else {}
    handed_down = (*HANDED_DOWN, "DOCKER_HOST") if address else HANDED_DOWN
    variables = {name: os.environ[name] for name in handed_down if name in os.environ} | own | {
        "GATEWAY_LISTEN": ",".join(f"{each}:{port}" for each in (LOOPBACK, address) if each), "SQS_ENDPOINT_STRATEGY": "path",
        "DISABLE_EVENTS": "1", "SKIP_SSL_CERT_DOWNLOAD": "1", "HOME": str(folder),
        "LOCALSTACK_VOLUME_DIR": str(folder / "volume"), "TMPDIR": str(folder), "FILESYSTEM_ROOT": str(folder / "root"),
    }  # fmt: skip
    log = folder / "localstack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [interpreter, "-m", "localstack.runtime.main"], cwd=folder, env=variables, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        if not _healthy(process, aws):
            raise start_error("LocalStack", log)
        yield aws
    finally:
        end(process, STOP_TIMEOUT_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _run(what: str, *command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise NoLocalStackError(f"{what}: {said[-1][:200] if said else done.returncode}")


def _healthy(process: subprocess.Popen[bytes], aws: Aws) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return requests.get(f"{aws.endpoint_url}/_localstack/health", timeout=5).ok
        except requests.RequestException:
            time.sleep(LOOK_SECONDS)
    return False


def main(command: list[str]) -> int:
    """Run the command on a LocalStack with functions; its exit code, or 1 and a sentence where there is none to run on."""
    try:
        with localstack(bridge_address()) as aws:
            return subprocess.run(command, env={**os.environ, **aws.environ()}, check=False).returncode
    except (NoContainersError, NoLocalStackError, StartError) as error:
        print(f"local.localstack: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    run_main(lambda: main(sys.argv[1:] or ["env"]))
