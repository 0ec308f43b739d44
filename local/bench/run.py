"""Runs benchmarks one after the other and keeps what they found."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.bench.machine import machine
from local.bench.result import Result, as_data, from_data
from local.simulator.core.control import ROOT

LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class Measured:
    """One benchmark's result, or the end of what went wrong."""

    name: str
    seconds: float
    result: Result | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run."""

    scale: float
    machine: dict[str, str]
    measured: tuple[Measured, ...]


def measure(names: Iterable[str], scale: float) -> Iterator[Measured]:
    """Each as soon as it is done. One that fails is reported and does not end the run."""
    for name in names:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="facteur-bench-") as folder:
            answer = Path(folder, "result.json")
            ran = subprocess.run(
                [sys.executable, "-m", "local.bench.one", name, str(scale), str(answer)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,  # the handlers' own lines
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            result = from_data(json.loads(answer.read_text())) if ran.returncode == 0 else None
        error = None if result else ran.stderr[-LONGEST_ERROR:] or f"exit code {ran.returncode}"
        yield Measured(name, time.monotonic() - began, result, error)


def as_json(run: Run) -> dict[str, Any]:
    """For a file that a later run is compared with."""
    return {
        "scale": run.scale,
        "machine": run.machine,
        "measured": [
            {"name": m.name, "seconds": m.seconds, "error": m.error, "result": as_data(m.result) if m.result else None}
            for m in run.measured
        ],
    }


def from_json(data: dict[str, Any]) -> Run:
    """The run that `as_json` wrote."""
    measured = tuple(
        Measured(m["name"], m["seconds"], from_data(m["result"]) if m["result"] else None, m["error"])
        for m in data["measured"]
    )
    return Run(data["scale"], data["machine"], measured)


def begun(scale: float) -> Run:
    """A run with nothing measured yet."""
    return Run(scale, machine(), ())
