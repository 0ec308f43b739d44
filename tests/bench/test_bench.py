"""The bench itself: every benchmark runs at a tiny scale and says something whole; a report, a comparison, a failure are shown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from facteur.domain.decide_sweep import seconds_to_next_sweep
from local.bench.registry import BENCHMARKS
from local.bench.report import compared, markdown, plots
from local.bench.result import Figure, Result, as_data, from_data
from local.bench.run import Measured, Run, as_json, from_json, measure
from local.bench.stage import SharedStage
from local.bench.statuses import schedule
from local.simulator.core.control import ROOT

TINY = 0.001
QUICK = {"round_trips", "relay", "status_pages"}  # one of each kind; the others in `make test-all`
FIGURE = Figure("Relay", "80 a second", "100 a second", 80.0, 85.0, "at least", "%")
RUN = Run(1.0, {"commit": "abc"}, (Measured("relay", 1.0, Result((FIGURE,), "how", ("a note",), ("a plan",))),))


@pytest.fixture(scope="module")
def stage() -> Iterator[SharedStage]:
    with ExitStack() as stack:
        yield SharedStage.started(stack)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name not in QUICK else []) for name in BENCHMARKS]
)
def test_every_benchmark_measures_something_whole(name: str, stage: SharedStage) -> None:
    result = BENCHMARKS[name].measure(stage, TINY)

    assert result.figures
    assert all(math.isfinite(figure.value) and figure.value >= 0 for figure in result.figures)
    assert len({figure.name for figure in result.figures}) == len(result.figures)
    page = markdown(Run(TINY, {}, (Measured(name, 1.0, result),)))
    assert all(figure.measured in page for figure in result.figures)


@pytest.mark.slow
def test_a_benchmark_that_fails_is_reported_with_its_error() -> None:
    (measured,) = measure(["relay"], float("nan"))

    assert measured.result is None
    assert "cannot convert float NaN to integer" in str(measured.error)
    assert "**failed**" in markdown(replace(RUN, measured=(measured,)))


def test_a_run_is_read_back_as_it_was_written() -> None:
    assert from_json(json.loads(json.dumps(as_json(RUN)))) == RUN
    assert from_data(as_data(Result((FIGURE,), "how", series={"x": [(1.0, 2.0)]}))).series == {"x": [(1.0, 2.0)]}


@pytest.mark.parametrize(
    ("sense", "value", "met"),
    [("at least", 85.0, True), ("at least", 84.9, False), ("at most", 85.0, True), ("at most", 85.1, False)],
)
def test_a_goal_is_met_at_its_value(sense: str, value: float, met: bool) -> None:
    assert replace(FIGURE, sense=sense, value=value).met is met  # type: ignore[arg-type]


def test_what_explains_a_missed_goal_is_in_the_page_and_of_a_met_one_is_not() -> None:
    missed, kept = markdown(RUN), markdown(with_value(99.0))

    assert "a plan" in missed
    assert "**missed**" in missed
    assert "a plan" not in kept
    assert "**missed**" not in kept


@pytest.mark.parametrize(
    ("value", "verdict"), [(80.0, "same"), (82.0, "same"), (96.0, "better by 20%"), (60.0, "worse by 25%")]
)
def test_a_run_is_compared_with_an_earlier_one(value: float, verdict: str) -> None:
    ((name, then, _, said),) = compared(with_value(value), RUN)

    assert (name, then, said) == ("Relay", "80 %", verdict)


def test_a_figure_that_the_earlier_run_lacks_is_new() -> None:
    assert [verdict for *_, verdict in compared(RUN, replace(RUN, measured=()))] == ["new"]


def with_value(value: float) -> Run:
    measured = RUN.measured[0]
    assert measured.result is not None
    return replace(
        RUN, measured=(replace(measured, result=replace(measured.result, figures=(replace(FIGURE, value=value),))),)
    )


def test_the_page_of_a_small_run_says_so() -> None:
    assert "not the published size" in markdown(replace(RUN, scale=0.1))
    assert "not the published size" not in markdown(RUN)


def test_a_series_becomes_a_picture_that_the_page_shows() -> None:
    result = Result((FIGURE,), "how", series={"MiB & more|invoices": [(0.0, 1.0), (10.0, 4.0)]})
    run = Run(1.0, {}, (Measured("memory", 1.0, result),))

    ((name, svg),) = plots(run).items()

    assert f"]({name})" in markdown(run)
    shown = ElementTree.fromstring(svg)  # noqa: S314  our own
    curve = next(each for each in shown.iter() if each.tag.endswith("polyline")).get("points", "").split()
    assert len(curve) == 2
    assert "MiB & more" in [each.text for each in shown]


@pytest.mark.parametrize(("day", "hours"), [(0.0, 1 / 60), (1.0, 0.6), (5.0, 3.0), (10.0, 6.0), (15.0, 6.0)])
def test_the_plotted_schedule_is_what_a_sweep_keeps_to(day: float, hours: float) -> None:
    ((title, points),) = schedule().items()

    assert dict(points)[day] == pytest.approx(hours)
    assert dict(points)[day] * 3600 == pytest.approx(seconds_to_next_sweep(day * 86400))
    ((_, svg),) = plots(
        Run(1.0, {}, (Measured("status_pages", 1.0, Result((FIGURE,), "how", series=schedule())),))
    ).items()
    assert title.partition("|")[0] in svg


def test_the_cost_table_follows_from_what_was_measured() -> None:
    facts = {
        "a second in 10s": 50.0,
        "a second in 100s": 90.0,
        "worker MB": 1024.0,
        "bytes an invoice": 1000.0,
        "searches for a thousand": 6.0,
    }
    run = Run(1.0, {}, (Measured("memory", 1.0, Result((FIGURE,), "how", facts=facts)),))

    page = markdown(run)

    assert "| submit_invoices | 2,000 GB-seconds | 0.03 |" in page
    assert "## What it costs" not in markdown(RUN)


def test_the_published_page_has_every_benchmark() -> None:
    page = ROOT / "docs" / "benchmarks.md"
    if not page.exists():
        pytest.skip("nothing is published yet")
    assert [f"## {b.heading}" for b in BENCHMARKS.values() if f"## {b.heading}\n" not in page.read_text()] == []
