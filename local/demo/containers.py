"""The demo for `sam local`: a container reaches Postgres, the platform and AWS, and finds in env.json where they are."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from local.demo.stage import OWN_PARAMETERS, PARAMETERS, Stage
from local.forward import forwarded
from local.world.postgres import as_worker
from local.world.stack import database_secret, put_secret

BRIDGE = ("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
DATABASE_SECRET, OWNERS_SECRET = "facteur/container-database", "facteur/container-owner"
QUEUE_OUTPUT = "SubmissionsQueueUrl"


class NoContainersError(RuntimeError):
    """There is nothing here that a container could run in; the message says what is missing."""


def bridge_address() -> str:
    """The address by which a container of Docker's default network reaches this machine.

    Raises:
        NoContainersError: there is no Docker, it does not answer, or its network is not this machine's.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise NoContainersError("containers need Docker, and there is no program docker here")
    asked = subprocess.run([docker, *BRIDGE], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise NoContainersError(f"containers need Docker, and it does not answer: {asked.stderr.strip()[:200]}")
    network = json.loads(asked.stdout)[0]
    address = str(
        network.get("Gateway") or next(ip_network(network["Subnet"]).hosts())
    )  # the first, where none is named
    if not _is_ours(address):
        raise NoContainersError(
            f"containers would reach this machine at {address}, and it has no such address: Docker Desktop and rootless engines have a "
            "network of their own; docs/sam-local.md says what to do"
        )
    return address


def _is_ours(address: str) -> bool:
    """Whether something of this machine can listen there."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


@contextmanager
def reachable(scene: Stage, address: str, folder: Path) -> Iterator[Path]:
    """While open, everything of the demo listens at the address too; yields the env.json for `sam local invoke --env-vars`."""
    urls = (scene.database_url, scene.aws.endpoint_url or "", scene.platform.base_url)
    with forwarded(address, [urlsplit(url).port or 0 for url in urls]):
        scene.put_into_aws(partial(_put_secrets, scene, address))
        path = folder / "env.json"
        path.write_text(json.dumps({"Parameters": variables(scene, address)}, indent=2) + "\n")
        yield path


def switch_off_consumer(scene: Stage) -> None:
    """The stack's own function takes nothing from the queue any more: containers do the work.

    They know the platform by another address than the stack does, and a database belongs to the first that deposits.
    """

    def switch_off() -> None:
        client = scene.aws.session.client("lambda", endpoint_url=scene.aws.endpoint_url)
        for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    scene.put_into_aws(switch_off)


def _put_secrets(scene: Stage, address: str) -> None:
    put_secret(scene.aws, DATABASE_SECRET, database_secret(moved(as_worker(scene.database_url), address)))
    put_secret(scene.aws, OWNERS_SECRET, database_secret(moved(scene.database_url, address)))


def variables(scene: Stage, address: str) -> dict[str, str]:
    """The variables of the functions, as a container needs them."""
    return {
        "AWS_ENDPOINT_URL": moved(scene.aws.endpoint_url or "", address),
        "DATABASE_SECRET_ID": DATABASE_SECRET,
        "MIGRATION_SECRET_ID": OWNERS_SECRET,
        "WORKER_ROLE": str(OWN_PARAMETERS["WorkerRole"]),
        "SUBMISSIONS_QUEUE_URL": moved(scene.stack.outputs[QUEUE_OUTPUT], address),
        "IOPOLE_BASE_URL": moved(scene.platform.base_url, address),
        "IOPOLE_AUTH_URL": moved(scene.platform.auth_url, address),
        "DEPOSITS_ENABLED": "true",
        "SUBMIT_FROM": str(OWN_PARAMETERS["SubmitFrom"]),
        "RELAY_WATCH_SECONDS": "0",
        "RESEND_AFTER_SECONDS": str(PARAMETERS["ResendAfterSeconds"]),
    }


def moved(url: str, address: str) -> str:
    """The same at another address."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{address}:{parts.port}").geturl()
