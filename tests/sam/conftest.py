"""The demo's stage, reachable from containers, and the real SAM CLI; `make test-sam` starts it where there is an engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rich.console import Console

from local.demo.containers import NoContainersError, bridge_address, reachable, switch_off_consumer
from local.demo.interruption import Interruption
from local.demo.stage import Stage, stage, working_folder
from tests.sam.command import TEMPLATE, TRANSCRIPT, Sam


@pytest.fixture(scope="session")
def scene() -> Iterator[Stage]:
    console, interruption = Console(quiet=True), Interruption()
    with working_folder(console, interruption) as folder, stage(lambda _line: None, interruption, folder) as running:
        switch_off_consumer(running)
        yield running


@pytest.fixture(scope="session")
def sam(scene: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sam]:
    if not TEMPLATE.exists():
        pytest.fail("the layers are not built: make build ARCH=x86_64")
    try:
        address = bridge_address()
    except NoContainersError as error:
        pytest.skip(str(error))
    with reachable(scene, address, tmp_path_factory.mktemp("sam")) as environment:
        found = Sam(scene, environment)
        yield found
    head = f"{datetime.now(UTC):%Y-%m-%d}, image: {os.environ.get('FACTEUR_SAM_IMAGE', 'unknown')}"
    TRANSCRIPT.parent.mkdir(parents=True, exist_ok=True)
    TRANSCRIPT.write_text("\n".join([head, "", *found.lines]))
