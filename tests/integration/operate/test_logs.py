"""The queries of docs/logs.md find, in lines of a real run, what an operator asks for; and every line has the documented fields."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from facteur import observability
from facteur.errors import ConfigurationError
from local.invoices import DIFFICULT_BUYERS, render, sample_invoice
from local.sam import ROOT
from local.world.levers import World
from tests.insights import query

PAGE = (ROOT / "docs" / "logs.md").read_text()
QUERIES = dict(re.findall(r"^### ([^\n]+)\n\n```text\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
FIELDS = {
    field
    for row in re.findall(r"^\| (`.+?`) \|", PAGE.partition("## Ten questions")[0], re.MULTILINE)
    for field in re.findall(r"`(\w+)`", row)
}
POWERTOOLS = {"level", "message", "timestamp", "service", "function_request_id", "xray_trace_id"}
FUNCTIONS = ("relay_submissions", "submit_invoices", "poll_statuses")


class Lines:
    """What the functions wrote, as CloudWatch has it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def __call__(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def ask(self, question: str, **values: object) -> list[dict[str, Any]]:
        """Run the page's query, with the place-holders filled in."""
        text = QUERIES[question]
        for name, value in values.items():
            text = text.replace(name.upper(), str(value))
        return query(text, self())


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Loggers keep the stream they were born with; this one hears them as well."""
    captured, handlers = Lines(), []
    for service in FUNCTIONS:
        logger = observability._journal(service)._logger
        handler = logging.StreamHandler(captured.stream)
        handler.setFormatter(logger.registered_formatter)
        logger.addHandler(handler)
        handlers.append((logging.getLogger(service), handler))
    yield captured
    for logger_of_service, handler in handlers:
        logger_of_service.removeHandler(handler)


@pytest.fixture
def eventful(world: World, lines: Lines) -> World:
    """Accepted (1), refused at once (2), lost and found (3), asked to slow down (4), unusable (5), 213 later (6), a crash."""
    world.simulator.script(sample_invoice(2).number, ["400"])
    world.simulator.script(sample_invoice(3).number, ["lost_answer"])
    world.simulator.script(sample_invoice(4).number, ["429_seconds:1"])
    for rank in (1, 2, 3, 4):
        world.add(rank)
    world.add(5, content=b"not an invoice")
    world.add(6, content=render(sample_invoice(6, buyer=DIFFICULT_BUYERS["213"]), "cii"))
    for _ in range(3):
        world.deposit()
        world.advance(60)
    world.advance(7300)
    world.poll()
    world.put_secret("database", "nonsense")
    world.new_container()
    with pytest.raises(ConfigurationError):
        world.relay()
    return world


def test_the_page_has_ten_questions() -> None:
    assert len(QUERIES) == 10


def test_each_question_finds_what_happened(eventful: World, lines: Lines) -> None:
    third, number = eventful.ids[3], eventful.submission(1).id

    story = lines.ask("What happened to this invoice?", invoice_id=third)
    assert [row["message"] for row in story][:2] == ["submission.in_doubt", "submission.deposited"]
    assert story[1]["outcome"] == "looked_up"
    assert story[1]["platform_id"] == eventful.row(3).submission_id
    assert {row["service"] for row in story} == {"submit_invoices", "poll_statuses"}

    assert len(lines.ask("Was it put onto the queue?", submission_id=number)) == 1
    assert lines.ask("Was it put onto the queue?", submission_id=999_999) == []

    ends = {row["message"]: row["invoices"] for row in lines.ask("How many invoices came to which end?")}
    assert (ends["submission.deposited"], ends["submission.rejected"], ends["submission.failed"]) == (4, 1, 1)
    assert ends["status.rejected"] == 1

    refused = lines.ask("Which invoices were rejected, and why?")
    assert {row["invoice_id"] for row in refused} == {str(eventful.ids[2]), str(eventful.ids[6])}
    assert {row["lifecycle_code"] for row in refused} == {None, "213"}
    assert all(row["error_code"] for row in refused)

    (person,) = lines.ask("Which invoices need a person?")
    assert person["invoice_id"] == str(eventful.ids[5])

    (doubt,) = lines.ask("Why are deposits in doubt?")
    assert (doubt["doubts"], doubt["error_code"]) == (1, "connection_reset")
    assert lines.ask("How did the doubts end?") == [{"state": "submitted", "look_ups": 1}]

    took = {row["service"]: row for row in lines.ask("How long does the platform take?")}
    assert took["submit_invoices"]["calls"] == 6  # five invoices, one of them twice
    assert took["poll_statuses"]["calls"] == 4
    assert all(0 < row["mean"] <= row["longest"] for row in took.values())

    answers = lines.ask("What does the platform answer when it does not take an invoice?")
    assert {(row["http_status"], row["error_code"]) for row in answers} == {
        (429, "too_many_requests"), (None, "connection_reset"),
    }  # fmt: skip

    (crash,) = [row for row in lines.ask("What crashed, or deserves attention?") if row["message"].endswith(".failed")]
    assert (crash["service"], crash["error"]) == ("relay_submissions", "ConfigurationError")


def test_every_line_has_documented_fields_and_those_of_an_invoice_its_keys(eventful: World, lines: Lines) -> None:
    written = [json.loads(line) for line in lines()]

    assert set().union(*written) <= FIELDS | POWERTOOLS
    of_invoices = [line for line in written if re.match(r"(submission|status)\.", line["message"])]
    assert len(of_invoices) > 10
    for line in of_invoices:
        assert {"submission_id", "invoice_id", "account", "state"} <= set(line), line


def test_the_code_writes_no_field_that_the_page_does_not_explain() -> None:
    named = {field for path in sources() for call in journal_calls(path) for field in fields_of(call)}

    assert named <= FIELDS | {"name"}
    assert named | {"error", "error_message"} == FIELDS


def sources() -> list[str]:
    folders = (ROOT / "layers" / "core" / "python" / "facteur", ROOT / "functions")
    return [path.read_text() for folder in folders for path in sorted(folder.rglob("*.py"))]


def journal_calls(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and re.search(r"journal\.(event|warning)$", called):
            yield node


def fields_of(call: ast.Call) -> set[str]:
    return {keyword.arg for keyword in call.keywords if keyword.arg}


@pytest.mark.parametrize(
    "wrong", ["filter a ~ 1", "parse @message", "stats median(x) as y", "filter (a = 1", "filter a = 1 b"]
)
def test_what_the_evaluator_does_not_know_it_refuses(wrong: str) -> None:
    with pytest.raises((ValueError, KeyError, IndexError)):
        query(wrong, ['{"a": 1, "x": 2}'])
