"""`python -m local.clients PYTHON`: run each client, by the Python of an environment that has them, on the AFNOR simulator."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.clients.renaming import renaming
from local.invoices import file_name, render, sample_invoice
from local.simulator.core.control import Simulator, running_simulator
from local.start import StartError, run_main

CLIENTS: dict[str, tuple[str, dict[str, str]]] = {  # the program that uses it, and what its platform has to be like
    "pyfrctc": ("with_pyfrctc.py", {}),
    "mcp-facture-electronique-fr": (
        "with_mcp.py",
        {"accept": "off"},
    ),  # it asks for files with Accept: application/json
}
VERSIONS = ("1.2", "1.3")
VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
LONGEST_SECONDS = 300


def documents() -> list[dict[str, str]]:
    found = []
    for rank, syntax in ((1, "cii"), (3, "ubl"), (5, "pdf")):
        invoice = sample_invoice(rank)
        content = render(invoice, syntax)  # type: ignore[arg-type]
        name = file_name(invoice, syntax)  # type: ignore[arg-type]
        found.append(
            {"number": invoice.number, "name": name, "syntax": syntax, "content": base64.b64encode(content).decode()}
        )
    return found


def given(simulator: Simulator, renamed_url: str) -> dict[str, Any]:
    return {
        "base_url": simulator.base_url, "renamed_url": renamed_url, "token_url": f"{simulator.auth_url}/oauth2/token",
        "admin_url": simulator.admin_url, "client_id": simulator.client_id, "client_secret": simulator.client_secret,
        "customer_id": simulator.customer_id, "buyer": sample_invoice(1).buyer.siren, "documents": documents(),
    }  # fmt: skip


def installed(python: str, name: str) -> str:
    said = subprocess.run([python, "-c", VERSION, name], capture_output=True, text=True, check=False)
    if said.returncode:
        raise StartError(f"{python} has no {name}")
    return said.stdout.strip()


def ran(python: str, script: str, switches: Mapping[str, Any]) -> bool:
    """Run one client on a simulator of its own, and print what it did."""
    path = Path(__file__).with_name(script)
    with (
        running_simulator(platform="afnor", **switches) as simulator,
        renaming(simulator.base_url) as renamed_url,
    ):
        said = subprocess.run(
            [python, str(path)], input=json.dumps(given(simulator, renamed_url)), capture_output=True, text=True,
            check=False, timeout=LONGEST_SECONDS,
        )  # fmt: skip
    for line in said.stdout.splitlines():
        print(f"    {line}")
    if said.returncode:
        print("    FAILED: " + "\n    ".join(said.stderr.splitlines()[-15:]))
    return said.returncode == 0


def main() -> int:
    if len(sys.argv) != 2:
        raise StartError("name the Python of an environment with the clients: make check-clients")
    python, failed = sys.argv[1], 0
    print(f"{datetime.now(UTC):%d %B %Y}, on the AFNOR simulator")
    for name, (script, more) in CLIENTS.items():
        print(f"{name} {installed(python, name)}")
        for version in VERSIONS:
            switches = {"afnor_version": version, **more}
            print(f"  {', '.join(f'{key} {value}' for key, value in switches.items())}:")
            failed += not ran(python, script, switches)
    return 1 if failed else 0


if __name__ == "__main__":
    run_main(main)
