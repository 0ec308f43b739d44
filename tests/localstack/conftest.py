"""The worlds of tests/integration, on LocalStack in place of the emulator. Skipped, with the reason, where it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.localstack import NoLocalStackError, installed, localstack
from local.world.aws import Aws
from tests.integration.conftest import operator, running, settings, simulator, world  # noqa: F401  fixtures


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    try:
        installed()
    except NoLocalStackError as error:
        pytest.skip(str(error))
    with localstack() as found:
        yield found
