"""The way from a container's address to what listens on loopback."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import requests

from facteur.settings import Settings
from local.demo.containers import QUEUE_OUTPUT, NoContainersError, bridge_address, variables
from local.demo.stage import Stage
from local.forward import forwarded
from local.resolved import TEMPLATE
from local.simulator.core.control import Simulator, running_simulator
from local.world.aws import Aws
from local.world.stack import Stack
from tests.raw_server import closed_port

OTHER = "127.0.0.2"  # loopback as well, but nobody listens there


def port_of(simulator: Simulator) -> int:
    return int(simulator.base_url.rpartition(":")[2])


def test_what_listens_on_loopback_answers_at_the_other_address_as_long_as_it_is_open() -> None:
    with running_simulator() as simulator:
        port = port_of(simulator)
        with forwarded(OTHER, [port]):
            for _ in range(3):
                answer = requests.get(f"http://{OTHER}:{port}", headers={"Accept": "text/html"}, timeout=10)
                assert "Platform simulator" in answer.text
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((OTHER, port), timeout=5)


def test_where_nobody_listens_behind_it_the_caller_hears_it() -> None:
    port = closed_port()

    with forwarded(OTHER, [port]), socket.create_connection((OTHER, port), timeout=5) as caller:
        assert caller.recv(10) == b""


def test_an_address_that_this_machine_does_not_have_is_an_error() -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1"), forwarded("192.0.2.1", [closed_port()]):
        pass


def test_without_docker_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(NoContainersError, match="containers need Docker"):
        bridge_address()


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ({"Subnet": "127.0.0.0/24", "Gateway": OTHER}, OTHER),
        ({"Subnet": "127.0.0.0/24"}, "127.0.0.1"),
        ({"Subnet": "192.0.2.0/24", "Gateway": "192.0.2.1"}, None),
        ({"Subnet": "192.0.2.0/24"}, None),
    ],
)
def test_an_engine_whose_network_is_not_this_machines_is_reported_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: dict[str, str], address: str | None
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho '{json.dumps([network])}'\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    if address:
        assert bridge_address() == address
    else:
        with pytest.raises(NoContainersError, match=r"at 192\.0\.2\.1, and it has no such address: Docker Desktop"):
            bridge_address()


def test_a_container_finds_everything_at_the_other_address_by_variables_that_the_template_declares() -> None:
    """`--env-vars` changes no variable that is not declared."""
    scene = Stage(
        "postgresql://app@127.0.0.1:5001/postgres",
        Simulator(
            base_url="http://127.0.0.1:5002",
            auth_url="http://127.0.0.1:5002",
            client_id="client",
            client_secret="secret",
            customer_id="customer",
            admin_url="http://127.0.0.1:5004",
        ),
        Aws("http://127.0.0.1:5003", "eu-west-3", "test", "test"),
        Stack(Aws(None, "eu-west-3", "", ""), "demo", {QUEUE_OUTPUT: "http://127.0.0.1:5003/000000000000/queue"}, {}),
        (),
    )

    found = variables(scene, "172.17.0.1")

    functions = [
        each["Properties"] for each in TEMPLATE["Resources"].values() if each["Type"] == "AWS::Serverless::Function"
    ]
    declared = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    declared |= {name for each in functions for name in each["Environment"]["Variables"]}
    assert set(found) <= declared
    assert not any("127.0.0.1" in value for value in found.values())
    assert found["SUBMISSIONS_QUEUE_URL"] == "http://172.17.0.1:5003/000000000000/queue"
    Settings.from_environ({**found, "AWS_SAM_LOCAL": "true"})
