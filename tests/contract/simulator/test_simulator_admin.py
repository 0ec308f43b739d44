"""The levers, the command line, and the simulator as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
import requests

from local.simulator.core.clock import Clock, iso, uuid7
from local.simulator.core.control import ROOT, Simulator, running_simulator
from local.simulator.core.quotas import Quota
from tests.contract.simulator.client import Client, client_of, document


def test_a_reset_brings_back_the_beginning(client: Client) -> None:
    simulator = client.simulator
    client.deposited()
    simulator.configure(speed=50, client_secret="other")
    simulator.script("F-1", [503])

    simulator.reset()

    assert simulator.ledger() == []
    assert simulator.call_counts() == {}
    assert client.deposit().status_code == 401
    assert client_of(simulator).deposit().status_code == 201


def test_a_reset_drops_deposits_that_are_still_to_come(client: Client) -> None:
    client.simulator.script("F-1", ["stored_late:0.3"])
    with pytest.raises(requests.ReadTimeout):
        client.deposit(timeout=0.05)

    client.simulator.reset()

    fresh = client_of(client.simulator)
    client.simulator.script_endpoint("invoice", ["slow:0.5"])
    fresh.get("/v1/invoice/x")
    assert client.simulator.ledger() == []


def test_switches_are_shown_and_thrown_while_it_runs(simulator: Simulator) -> None:
    simulator.configure(history_quota=5, history_twists=["nulls"])

    shown = requests.get(f"{simulator.admin_url}/_simulator/settings", timeout=10).json()

    assert (shown["history_quota"], shown["history_twists"]) == (5, ["nulls"])


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ({"sped": 5}, "no such switch: sped"),
        ({"speed": "fast"}, "could not convert"),
        ({"mode": "POLL"}, "mode must be one of PULL, PUSH"),
    ],
)
def test_a_wrong_switch_is_named(simulator: Simulator, switch: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulator.configure(**switch)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("faults", b"not json", "Expecting value"),
        ("faults", b"[]", "a JSON object is expected"),
        ("faults", b'{"invoice": "F-1"}', "'faults' is missing"),
        ("faults", b'{"endpoint": "everything", "faults": [503]}', "no such endpoint: 'everything'"),
        ("faults/outage", b"{}", "'seconds' is missing"),
        ("twists", b'{"invoice": "F-1", "twists": ["bent"]}', "must be one of reversed"),
        ("companies", b'{"name": "?"}', "siren"),
        ("accounts", b'{"client_id": "new"}', "client_secret"),
        ("invoices", b'{"number": "X", "colour": "blue"}', "colour"),
        ("clock", b'{"advance": "soon"}', "could not convert"),
    ],
)
def test_a_wrong_admin_request_hears_what_is_wrong(simulator: Simulator, path: str, body: bytes, message: str) -> None:
    answer = requests.post(f"{simulator.admin_url}/_simulator/{path}", data=body, timeout=10)

    assert answer.status_code == 400
    assert message in answer.json()["statusMessage"]


def test_calls_are_counted_with_their_busiest_minute(client: Client) -> None:
    for advance in (0, 0, 61):
        client.simulator.advance(advance)
        client.deposit()

    counts = client.simulator.call_counts()

    assert counts["deposit"] == {"count": 3, "peak_per_minute": 2}
    assert counts["token"]["count"] == 1
    assert [each["status"] for each in client.simulator.calls("deposit")] == [201, 201, 201]


def test_the_clock_only_goes_forward(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="only goes forward"):
        simulator.advance(-1)


def test_a_simulator_of_ones_own_has_its_own_switches() -> None:
    with running_simulator(token_seconds=60, history_twists=["reversed", "nulls"], validate_schema=False) as simulator:
        shown = requests.get(f"{simulator.admin_url}/_simulator/settings", timeout=10).json()

    assert (shown["token_seconds"], shown["validate_schema"]) == (60, False)
    assert shown["history_twists"] == ["reversed", "nulls"]
    with pytest.raises(requests.ConnectionError):
        requests.get(simulator.base_url, timeout=10)


def test_an_option_that_does_not_exist_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="did not start"), running_simulator(sped=1):
        pass


def test_the_command_line_prints_where_it_is_and_stops_cleanly() -> None:
    command = [sys.executable, "-m", "local.simulator", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(7)] if process.stdout else []
        url = next(line.split()[-1] for line in lines if "base_url" in line)
        health = requests.get(f"{url}/_simulator/health", timeout=10).json()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert health["status"] == "ok"
    assert "client_secret" in "".join(lines)
    assert (process.returncode, errors) == (0, "")


def test_a_line_of_json_is_for_scripts_and_the_end_of_input_is_the_end() -> None:
    command = [sys.executable, "-m", "local.simulator", "--port", "0", "--json", "--follow-stdin"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=True)

    facts = json.loads(done.stdout)

    assert set(facts) == {"base_url", "auth_url", "client_id", "client_secret", "customer_id", "admin_url"}


def test_a_lonely_port_cannot_be_closed_for_ever() -> None:
    command = [sys.executable, "-m", "local.simulator", "--port", "0", "--json", "--follow-stdin"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        simulator = Simulator(**json.loads(process.stdout.readline() if process.stdout else b""))
        with simulator.session, pytest.raises(ValueError, match="admin-port"):
            simulator.refuse_connections()
        process.terminate()


def test_ids_sort_by_their_time_and_repeat_for_the_same_salt() -> None:
    early, late = uuid7(1_790_000_000.0, "a"), uuid7(1_790_000_000.5, "a")

    assert early < late
    assert early == uuid7(1_790_000_000.0, "a") != uuid7(1_790_000_000.0, "b")


def test_dates_are_written_as_iopole_writes_them() -> None:
    clock = Clock(lambda: 1_791_792_930.412)
    clock.advance(60)

    assert iso(clock.now()) == "2026-10-12T08:16:30.412Z"


def test_a_quota_slides() -> None:
    quota = Quota()

    waits = [quota.seconds_to_wait("a", at, limit=2) for at in (0, 30, 45, 60.5, 61)]

    assert waits == [0, 0, 15, 0, pytest.approx(29)]


def test_duplicates_are_judged_at_the_moment_of_storing(client: Client) -> None:
    client.simulator.script("F-1", ["503", "lost_answer"])
    for _ in range(3):
        try:
            client.deposit(document())
        except requests.ConnectionError:
            continue

    assert [each["verdict"] for each in client.simulator.ledger()] == ["accepted", "duplicate"]


@pytest.mark.parametrize("fault", [None, "503", "409", "truncated"])
def test_every_answer_is_dated_by_the_clock_that_was_moved(client: Client, fault: str | None) -> None:
    client.simulator.advance(7200)
    if fault:
        client.simulator.script("F-1", [fault])

    answer = client.session.post(
        f"{client.simulator.base_url}/v1/invoice", headers=client.headers, files={"file": ("F-1.xml", document())},
        timeout=10, stream=True,
    )  # fmt: skip

    ahead = parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)
    assert ahead.total_seconds() == pytest.approx(7200, abs=5)
