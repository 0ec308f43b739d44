"""The table says what was scheduled, and beside it what really struck."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from io import StringIO

import pytest
import requests
from rich.console import Console

from local.simulator.core.control import running_simulator
from local.torture.meetings import answered
from local.torture.report import ANYWHERE, Report
from local.torture.run import Result
from local.torture.schedule import Happening, Order, Schedule

SCHEDULE = Schedule(
    "7", 7, (Order("refused", ("103:0.1+stored:503:html",), later=("lost_answer",)),), shuffled=True,
    happenings=(
        Happening(2, "fail_requests", details={"endpoint": "search", "faults": ["429"]}),
        Happening(3, "outage", details={"seconds": 60, "fault": "503", "endpoints": ["search", "files"]}),
        Happening(3, "lie", details={"seconds": 60, "fault": "slow:0"}),
    ),
    rates={"history": {"answer:403:html": 0.1, "503": 0.0}},
)  # fmt: skip


def result_of(met: Mapping[tuple[str, str], int]) -> Result:
    return Result(SCHEDULE, [], 1.0, 0, 1, 0, 0.0, answered=met)


def test_what_was_scheduled_and_never_met_counts_no_call() -> None:
    report = Report()

    report.add(result_of({("deposit", "103:0.1+stored:503:html"): 3, ("search", "503"): 2}))
    report.add(result_of({("deposit", "103:0.1+stored:503:html"): 1, ("token", "slow:0"): 4, ("history", "slow:0"): 1}))

    assert report.answered == {
        "deposit: 103:0.1+stored:503:html": 4, "deposit: lost_answer": 0, "deposit: 400": 0, "search: 429": 0, "search: 503": 2,
        "files: 503": 0, f"{ANYWHERE}: slow:0": 5, "history: answer:403:html": 0, "history: 503": 0,
    }  # fmt: skip
    assert {report.runs[topic] for topic in report.answered} == {2}


def test_the_table_has_both_columns() -> None:
    report, shown = Report(), StringIO()
    report.add(result_of({("deposit", "400"): 7}))

    Console(file=shown, width=200).print(report.table())

    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.getvalue().splitlines() if "│" in line]
    assert ["deposit: 400", "1", "7"] in [row[:3] for row in rows]
    assert ["deposit: lost_answer", "1", "0"] in [row[:3] for row in rows]
    assert ["all runs", "1", ""] in [row[:3] for row in rows]


@pytest.mark.parametrize("written", ["lost_answer", "103:0.01+stored:503:html", "search_cap=3+429_seconds:7"])
def test_a_simulators_log_says_what_a_call_met_as_the_schedule_has_it(written: str) -> None:
    with running_simulator() as simulator:
        simulator.script_endpoint("token", [written])

        for _ in range(2):
            with suppress(requests.ConnectionError):
                requests.post(f"{simulator.auth_url}/realms/iopole/protocol/openid-connect/token", timeout=5)

        assert answered(simulator.calls()) == {("token", written): 1}
