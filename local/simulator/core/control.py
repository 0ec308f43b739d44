"""Starts a simulator in a process of its own and steers it through its admin API. For tests, demo and harnesses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from local.start import HANGS_SECONDS, StartError, end

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator: where it is, how to get in, and its levers."""

    base_url: str
    auth_url: str
    client_id: str
    client_secret: str = field(repr=False)
    admin_url: str
    customer_id: str = ""
    company: str = ""
    session: requests.Session = field(default_factory=requests.Session, repr=False, compare=False)

    def script(self, invoice: str, faults: Sequence[str | int]) -> None:
        """The next deposits of an invoice (number, or file name without ending) meet these faults, then work."""
        self.call("POST", "faults", {"invoice": invoice, "faults": list(faults)})

    def script_endpoint(self, endpoint: str, faults: Sequence[str | int]) -> None:
        """The next requests to an endpoint (deposit, search, history, token, …) meet these faults in turn."""
        self.call("POST", "faults", {"endpoint": endpoint, "faults": list(faults)})

    def fault_rates(self, rates: Mapping[str, float], *, seed: int = 0, endpoint: str = "deposit") -> None:
        """From now on each request meets a fault with these probabilities; {} ends it."""
        self.call("POST", "faults/rates", {"endpoint": endpoint, "rates": dict(rates), "seed": seed})

    def outage(self, seconds: float, fault: str | int = "503", endpoints: Sequence[str] = ()) -> None:
        """Every request (or those of some endpoints) meets one fault for so long; 0 ends it."""
        self.call("POST", "faults/outage", {"seconds": seconds, "fault": str(fault), "endpoints": list(endpoints)})

    def refuse_connections(self, seconds: float = 0.0) -> None:
        """Stop listening: connections are refused, for some seconds of real time or until `accept_connections`."""
        self.call("POST", "listener", {"refuse": True, "seconds": seconds})

    def accept_connections(self) -> None:
        self.call("POST", "listener", {"refuse": False})

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def twist(self, invoice: str, twists: Sequence[str]) -> None:
        """Show the history of an invoice (number, or id) reversed, shuffled, duplicated, or with nulls."""
        self.call("POST", "twists", {"invoice": invoice, "twists": list(twists)})

    def configure(self, **switches: Any) -> None:
        """Throw switches of settings.py while it runs."""
        self.call("PATCH", "settings", switches)

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock forward."""
        self.call("POST", "clock", {"advance": seconds})

    def ledger(self, number: str | None = None) -> list[dict[str, Any]]:
        """Every stored deposit, or those of one number, in the order of storing."""
        found: list[dict[str, Any]] = self.call("GET", "ledger", params={"number": number} if number else None)
        return found

    def calls(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """The log of API requests."""
        found: dict[str, Any] = self.call("GET", "calls", params={"endpoint": endpoint} if endpoint else None)
        return list(found["calls"])

    def call_counts(self) -> dict[str, dict[str, int]]:
        """Per endpoint: `count`, and `peak_per_minute`, the most requests in any 60 seconds."""
        counts: dict[str, dict[str, int]] = self.call("GET", "calls/counts")
        return counts

    def add_company(self, siren: str, name: str = "Société", behaviour: str = "203") -> None:
        self.call("POST", "companies", {"siren": siren, "name": name, "behaviour": behaviour})

    def add_account(self, client_id: str, client_secret: str, customer_id: str = "", **more: Any) -> None:
        """A further account, or new data for an existing one."""
        known = {"client_id": client_id, "client_secret": client_secret, "customer_id": customer_id}
        self.call("POST", "accounts", {**known, **more})

    def rotate_secret(self, client_secret: str, client_id: str | None = None) -> None:
        """From now on only the new secret is good; tokens live on."""
        self.call("POST", "accounts", {"client_id": client_id or self.client_id, "client_secret": client_secret})

    def revoke_tokens(self, client_id: str | None = None) -> None:
        self.call("POST", "tokens/revoke", {"client_id": client_id} if client_id else {})

    def add_status(self, invoice_id: str, code: str, **more: Any) -> str:
        """Give a deposit one more status; `more`: reason, message, at, at_offset, destination, author, network_code."""
        added: dict[str, str] = self.call("POST", "statuses", {"invoice": invoice_id, "code": code, **more})
        return added["id"]

    def upload(self, filename: str, document: str, client_id: str | None = None) -> str:
        """Deposit a document (XML) as a person does on the platform's own pages, past all faults; its id."""
        body = {"filename": filename, "document": document, "account": client_id}
        stored: dict[str, str] = self.call("POST", "uploads", body)
        return stored["id"]

    def add_foreign_invoice(self, number: str, **more: Any) -> str:
        """An invoice that somebody else deposited, or a received one; `more`: fields of foreign.ForeignInvoice."""
        added: dict[str, str] = self.call("POST", "invoices", {"number": number, **more})
        return added["id"]

    def add_foreign_invoices(self, invoices: Sequence[Mapping[str, Any]]) -> list[str]:
        """Many of them at once; their ids in the same order."""
        added: dict[str, list[str]] = self.call("POST", "invoices", {"invoices": [dict(each) for each in invoices]})
        return added["ids"]

    def reset(self) -> None:
        """Begin again: no deposits, faults, calls or tokens, and the settings it was started with."""
        self.call("POST", "reset")

    def is_alive(self) -> bool:
        """Whether its admin API answers; one that hangs does not."""
        try:
            self.call("GET", "health", timeout_seconds=HANGS_SECONDS)
        except requests.RequestException:
            return False
        return True

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Any:
        answer = self.session.request(
            method, f"{self.admin_url}/_simulator/{path}", json=body, params=params, timeout=timeout_seconds
        )
        if not answer.ok:
            raise ValueError(f"{answer.status_code} {answer.text}")
        return answer.json()


@dataclass(slots=True)
class Program:
    """A simulator in a process of its own, and how it is started again at its addresses."""

    simulator: Simulator
    process: subprocess.Popen[bytes]
    flags: Sequence[str]

    def answers(self) -> bool:
        return self.process.poll() is None and self.simulator.is_alive()

    def restart(self) -> None:
        """Start it again, as empty as a new one; one that hangs is ended.

        Raises:
            StartError: it did not start.
        """
        _stop(self.process)
        port, admin_port = (int(url.rpartition(":")[2]) for url in (self.simulator.base_url, self.simulator.admin_url))
        self.process = _launch(port, admin_port, self.flags)
        started(self.process)


@contextmanager
def simulator_program(port: int = 0, **options: Any) -> Iterator[Program]:
    """A simulator in its own process on a free port, stopped on the way out; it also stops when this process dies."""
    flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", written(value))]
    process = _launch(port, 0, flags)
    try:
        program = Program(started(process), process, flags)
    except BaseException:
        _stop(process)
        raise
    try:
        with program.simulator.session:
            yield program
    finally:
        _stop(program.process)


@contextmanager
def running_simulator(port: int = 0, **options: Any) -> Iterator[Simulator]:
    """The same for whoever does not start it again."""
    with simulator_program(port, **options) as program:
        yield program.simulator


def _launch(port: int, admin_port: int, flags: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "local.simulator", "--json", "--follow-stdin"]
    command += ["--admin-port", str(admin_port), "--port", str(port), *flags]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    end(process, STOP_TIMEOUT_SECONDS)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def started(process: subprocess.Popen[bytes]) -> Simulator:
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        raise StartError("the simulator did not start; its error is above")
    return Simulator(**json.loads(line))


def written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
