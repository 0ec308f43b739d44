"""What a fresh container costs before its first statement, against the libraries alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.simulator.core.control import ROOT

PROCESSES = 20
SLOWEST = 8
GOAL = 1.15
POWERTOOLS = "from aws_lambda_powertools import Logger, Metrics"
OURS = """
import time; began = time.perf_counter()
from functions.{name} import app
from facteur.{wiring} import {built}
from facteur.aws.clients import client
from facteur.observability import PowertoolsJournal
services = {services}
for service in {aws}: client(service)
"""
FLOOR = """
import time; began = time.perf_counter()
{imports}
from botocore.config import Config
import boto3
for service in {aws}: boto3.client(service, config=Config(max_pool_connections=16))
"""
MEASURED = """
seconds = time.perf_counter() - began
import json, sys
known = set(sys.stdlib_module_names) | {"facteur", "functions", "__main__"}
packages = {name.partition(".")[0] for name in sys.modules} - known
for_a_person = {"facteur.operate", "facteur.cli", "facteur.install"} & set(sys.modules)
print(json.dumps([seconds, sorted(name for name in packages if not name.startswith("_")) + sorted(for_a_person)]))
"""
CHANGE = (
    "What is beyond the libraries is the number of our modules, and dataclasses whose methods Python writes and compiles at each import.",
    "What would have to change: a container that begins from a snapshot taken after the imports (Lambda's SnapStart; it must open",
    "connections and draw random numbers anew), or fewer modules, and plain classes where dataclasses are now.",
)
SETTINGS = {
    "IOPOLE_BASE_URL": "https://api.ppd.iopole.fr", "IOPOLE_AUTH_URL": "https://auth.ppd.iopole.fr", "DATABASE_SECRET_ID": "d",
    "SUBMISSIONS_QUEUE_URL": "https://sqs.eu-west-3.amazonaws.com/1/q", "AWS_DEFAULT_REGION": "eu-west-3",
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Function:
    """What it sets up at its first call, and what it cannot do without."""

    wiring: str
    services: str
    aws: tuple[str, ...]
    imports: tuple[str, ...]
    for_a_person: frozenset[str] = frozenset()

    def programs(self, name: str) -> tuple[str, str]:
        """The function, and its libraries alone."""
        built = self.services.partition("(")[0]
        values = {
            "name": name,
            "wiring": self.wiring,
            "built": built,
            "services": self.services,
            "aws": self.aws,
            "imports": "\n".join(self.imports),
        }
        return OURS.format(**values), FLOOR.format(**values)


FUNCTIONS = {
    "relay_submissions": Function(
        "relay_submissions.wiring",
        "relay_services(PowertoolsJournal('x'))",
        ("secretsmanager", "sqs"),
        ("import psycopg2, psycopg2.extras", POWERTOOLS),
    ),
    "submit_invoices": Function(
        "submit_invoices.wiring",
        "submit_services(PowertoolsJournal('x'))",
        ("secretsmanager", "s3"),
        (
            "import psycopg2, psycopg2.extras",
            "import requests",
            POWERTOOLS,
            "import aws_lambda_powertools.utilities.batch",
        ),
    ),
    "poll_statuses": Function(
        "poll_statuses.wiring",
        "poll_services(PowertoolsJournal('x'))",
        ("secretsmanager",),
        ("import psycopg2, psycopg2.extras", "import requests", POWERTOOLS),
    ),
    "migrate_database": Function(
        "install.wiring",
        "migration_services()",
        ("secretsmanager",),
        ("import psycopg2, psycopg2.extras", POWERTOOLS),
        frozenset({"facteur.install"}),
    ),
    "operate_read": Function(
        "operate.wiring",
        "operate_services()",
        ("secretsmanager",),
        ("import psycopg2, psycopg2.extras", POWERTOOLS),
        frozenset({"facteur.operate", "facteur.install"}),
    ),
    "operate": Function(
        "operate.wiring",
        "operate_services()",
        ("secretsmanager",),
        ("import psycopg2, psycopg2.extras", POWERTOOLS),
        frozenset({"facteur.operate", "facteur.install"}),
    ),
}


def cold_start(_stage: Stage, scale: float) -> Result:
    """Fresh processes in turn: the function, and its libraries alone; what is loaded beyond those is named."""
    figures: list[Figure] = []
    notes: list[str] = []
    spare: list[str] = []
    processes = max(1, round(PROCESSES * scale))
    for name, function in FUNCTIONS.items():
        ours, floors, packages, needed = _in_turn(*function.programs(name), processes)
        beside = f"libraries {floors * 1e3:.0f} ms"
        figures.append(Figure(name, f"{ours * 1e3:.0f} ms", beside, ours / floors, GOAL, "at most", "×"))
        spare += [f"{name}: {package}" for package in sorted(packages - needed - function.for_a_person)]
        notes.append(f"{name} loads {', '.join(sorted(packages))}")
    why = [line for figure in figures if not figure.met for line in _why(figure.name)]
    figures.append(
        Figure("packages loaded and not needed", ", ".join(spare) or "none", "libraries", len(spare), 0, "at most")
    )
    how = (
        f"import of app.py and first-call set-up (services and AWS clients, no network), against importing the libraries and making the "
        f"same AWS clients; median of {processes} fresh processes each, in turn, bytecode cached; not needed is a package that the "
        "libraries alone do not load, and of ours what only a person asks for (facteur.operate, facteur.cli, facteur.install)"
    )
    return Result(tuple(figures), how, tuple(notes), why=(*CHANGE, *why))


def _in_turn(ours: str, floor: str, processes: int) -> tuple[float, float, set[str], set[str]]:
    found: dict[str, list[float]] = {ours: [], floor: []}
    packages: dict[str, set[str]] = {}
    for turn in range(-1 if processes > 1 else 0, processes):
        for program in found:
            seconds, packages[program] = _run(program)
            if turn >= 0:  # the first one compiles
                found[program].append(seconds)
    return median(found[ours]), median(found[floor]), packages[ours], packages[floor]


def _run(program: str) -> tuple[float, set[str]]:
    said = subprocess.run(
        [sys.executable, "-c", program + MEASURED], cwd=ROOT, env=_environ(), capture_output=True, text=True, check=True
    ).stdout
    seconds, packages = json.loads(said)
    return seconds, set(packages)


def _environ() -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_") and k != "PYTHONDONTWRITEBYTECODE"}
    return inherited | SETTINGS


def _why(name: str) -> Iterator[str]:
    """What a function imports beyond its libraries, and what of it takes longest."""
    ours, floor = (_imports(program) for program in FUNCTIONS[name].programs(name))
    beyond = {module: own for module, own in ours.items() if module not in floor}
    own = {module: own for module, own in beyond.items() if module.startswith(("facteur", "functions"))}
    yield ""
    yield (
        f"{name}, imports by themselves (µs, in one process): {len(own)} modules of ours {sum(own.values()):,}, "
        f"{len(beyond) - len(own)} others that the libraries alone do not load {sum(beyond.values()) - sum(own.values()):,}:"
    )
    for module in sorted(beyond, key=beyond.__getitem__, reverse=True)[:SLOWEST]:
        yield f"{beyond[module]:8,} {module}"


def _imports(program: str) -> dict[str, int]:
    """Each module's own µs."""
    printed = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program],
        cwd=ROOT, env=_environ(), capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    lines = [
        line.removeprefix("import time:").split("|") for line in printed.splitlines() if line.startswith("import time:")
    ]
    return {module.strip(): int(own) for own, _, module in lines if own.strip().isdigit()}
