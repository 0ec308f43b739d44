"""Random interleavings of everything that can happen, on a real Postgres, against a platform that only follows its own rules.

Submitting and polling are the product's own functions, each run in a thread that waits before every statement and every call
(`tests.model.worker`) of its outsides (`tests.model.ports`): what happens meanwhile, what the call meets, and who dies is Hypothesis's
choice (`tests.model.interleavings`). The model is `tests.model.platform`: it keeps what was posted, whatever Facteur believes. The laws are
in `tests.model.laws`.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from facteur.postgres.database import Database
from tests.model.database import PREPARE
from tests.model.interleavings import Interleavings
from tests.model.worker import NAME


def run(database: Database, **more: Any) -> None:
    database.rows(PREPARE)
    Interleavings.database = database
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Interleavings, settings=settings(deadline=None, database=None, suppress_health_check=checks, **more)
    )
    assert not [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.mark.timeout(400)
def test_no_interleaving_loses_an_invoice_or_deposits_it_twice(database: Database) -> None:
    run(database, derandomize=True, max_examples=34, stateful_step_count=50)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_interleaving_out_of_many_loses_an_invoice_or_deposits_it_twice(database: Database) -> None:
    run(database, max_examples=600, stateful_step_count=80)  # a second or two each: the product itself runs here
