"""Metrics, their document, and what they cost agree."""

from __future__ import annotations

import re

from facteur.domain.metrics import OTHER, REASONS, Metric
from local.sam import ROOT

PAGE = (ROOT / "docs" / "metrics.md").read_text()


def test_the_page_lists_every_metric_and_no_other() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [str(metric) for metric in listed()]


def test_the_page_says_what_they_cost() -> None:
    assert f"at most {len(Metric)} metrics, {0.30 * len(Metric):.2f} USD" in PAGE
    assert f"add at most {len(REASONS | {OTHER})}" in PAGE


def test_the_page_lists_every_reason() -> None:
    (sentence,) = re.findall(r"^A reason is one of.*$", PAGE, re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", sentence)) == REASONS | {OTHER}


def test_every_metric_is_emitted_and_nothing_is_named_by_a_text() -> None:
    code = "".join(path.read_text() for path in (ROOT / "layers/core/python/facteur").rglob("*.py"))

    assert all(f"Metric.{metric.name}" in code for metric in Metric)
    assert not re.findall(r"journal\.count\(\s*f?[\"']", code)


def listed() -> list[Metric]:
    """In the order of the page."""
    names = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    return sorted(Metric, key=lambda metric: names.index(metric))
