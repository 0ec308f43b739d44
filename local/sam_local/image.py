"""The image that `sam local` runs functions in: AWS's own where a registry is reached, else a stand-in from Debian and PyPI.

The stand-in is Debian's Python 3.13 with AWS's runtime client (awslambdaric); the SAM CLI adds its own runtime interface emulator.
What it does not have is Amazon Linux: the layers' wheels are loaded by another libc.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from local.sam import ROOT

IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
SUITE = "trixie"  # Debian 13, whose Python is Lambda's
PULL_TIMEOUT_SECONDS = 180
STAND_IN = ROOT / ".local" / "sam" / "stand-in.tar"
BOOTSTRAP = """#!/bin/sh
cd /var/task
export PYTHONPATH=/var/task:/opt/python:/var/runtime PYTHONDONTWRITEBYTECODE=1
exec python3.13 -m awslambdaric "$_HANDLER"
"""
CONFIG = ("WORKDIR /var/task", 'ENTRYPOINT ["/var/runtime/bootstrap"]')


class NoImageError(RuntimeError):
    """There is no image to run functions in; the message says why."""


def prepare(docker: str | None) -> str:
    """See to it that there is an image, in the engine (`docker` reaches it) or as a file; says which it is.

    Raises:
        NoImageError: neither could be had.
    """
    if docker and _has(docker):
        return "as found in the engine"
    if docker and _pulled(docker):
        return "AWS's own, pulled"
    if not STAND_IN.exists():
        build_stand_in(STAND_IN)
    if docker:
        import_into(docker)
    return f"a stand-in: Debian {SUITE} with awslambdaric, for no registry is reached"


def build_stand_in(target: Path) -> None:
    """Write the stand-in's files as a tar.

    Raises:
        NoImageError: debootstrap is missing, or Debian's archive or PyPI was not reached.
    """
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise NoImageError("no registry is reached, and to build a stand-in takes root and debootstrap")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="facteur-sam-") as folder:
        root = Path(folder) / "root"
        _run("debootstrap", "--variant=minbase", "--include=python3,ca-certificates", SUITE, str(root))
        runtime = root / "var" / "runtime"
        runtime.mkdir(parents=True)
        (root / "var" / "task").mkdir()
        _run(
            os.environ.get("UV", "uv"), "pip", "install", "--quiet", "--target", str(runtime), "--python-version", "3.13",
            "--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:", "awslambdaric", "boto3",
        )  # fmt: skip
        (runtime / "bootstrap").write_text(BOOTSTRAP)
        (runtime / "bootstrap").chmod(0o755)
        _run("tar", "-C", str(root), "-cf", str(target), ".")


def import_into(docker: str) -> None:
    """Give the stand-in the name that the SAM CLI looks for."""
    changes = [word for line in CONFIG for word in ("--change", line)]
    _run(docker, "import", *changes, str(STAND_IN), IMAGE)


def _has(docker: str) -> bool:
    return subprocess.run([docker, "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0


def _pulled(docker: str) -> bool:
    try:
        done = subprocess.run(
            [docker, "pull", "--quiet", IMAGE], capture_output=True, check=False, timeout=PULL_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NoImageError(f"{Path(command[0]).name} failed: {said[-1][:200] if said else done.returncode}")
