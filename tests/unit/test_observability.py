"""One line for each event: JSON for machines, signs and colours for a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping

import pytest

from facteur import observability
from facteur.domain.metrics import REASONS, Metric, bounded_reason
from facteur.errors import DatabaseUnavailableError
from facteur.observability import PowertoolsJournal, observed, remaining_seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, service: str) -> PowertoolsJournal:
    """A journal that writes into a stream; the service names its logger, so each test has its own."""
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    return PowertoolsJournal(service)


def test_elsewhere_each_event_is_one_line_of_json_without_empty_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    journal = written(monkeypatch, stream, "json")

    journal.event("submission.deposited", submission_id=7, invoice_id="é\n", error_code=None)
    journal.warning("queue.refused", submissions=3)

    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["message"], first["submission_id"], first["invoice_id"], first["level"]) == (
        "submission.deposited", 7, "é\n", "INFO",
    )  # fmt: skip
    assert "error_code" not in first
    assert (second["message"], second["submissions"], second["level"]) == ("queue.refused", 3, "WARNING")


@pytest.mark.parametrize(
    ("event", "sign", "colour"),
    [
        ("submission.deposited", "✔", 32), ("status.closed", "✔", 32), ("submission.rejected", "✖", 31),
        ("status.rejected", "✖", 31), ("submission.failed", "✖", 31), ("submission.waiting", "…", 33),
        ("submission.in_doubt", "?", 33), ("notes.taken", "·", 2),
    ],
)  # fmt: skip
def test_on_a_terminal_each_event_is_one_coloured_line(
    monkeypatch: pytest.MonkeyPatch, event: str, sign: str, colour: int
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()

    written(monkeypatch, stream, f"colour.{event}").event(event, submission_id=7, http_status=None)

    assert stream.getvalue() == f"\033[{colour}m{sign} {event:<22} submission_id=7\033[0m\n"


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()

    written(monkeypatch, stream, "plain").warning("history.refused", account="default")

    assert stream.getvalue() == "! history.refused        account=default\n"


def test_in_lambda_even_a_terminal_gets_json(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "facteur-submit")

    PowertoolsJournal("lambda").event("submission.deposited", submission_id=7)

    assert json.loads(stream.getvalue())["submission_id"] == 7


def test_our_own_errors_are_reported_and_foreign_ones_only_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    journal = written(monkeypatch, stream, "errors")

    journal.error("submit_invoices.failed", DatabaseUnavailableError("Postgres: no connection"))
    journal.error("submit_invoices.failed", ValueError("a row of the company's"))

    ours, foreign = map(json.loads, stream.getvalue().splitlines())
    assert (ours["error"], ours["error_message"]) == ("DatabaseUnavailableError", "Postgres: no connection")
    assert foreign["error"] == "ValueError"
    assert "company" not in stream.getvalue()


class Context:
    """What Lambda passes."""

    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_every_line_of_an_invocation_carries_its_request_id(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    journal = written(monkeypatch, stream, "request")

    journal.begin(Context())
    journal.event("notes.taken")

    assert json.loads(stream.getvalue())["function_request_id"] == "request-1"


def test_metrics_are_one_line_that_names_their_units(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    journal = PowertoolsJournal("metrics")

    journal.count(Metric.DEPOSITS, 2)
    journal.count(Metric.OLDEST_OVERDUE_SECONDS, 1.5)
    journal.count(Metric.BUDGET_USE_PERCENT, 40)
    journal.flush()
    journal.flush()

    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    units = {each["Name"]: each["Unit"] for each in found["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units == {"Deposits": "Count", "OldestOverdueSeconds": "Seconds", "BudgetUsePercent": "Percent"}
    assert (found["Deposits"], found["OldestOverdueSeconds"]) == ([2.0], [1.5])


def test_a_reason_is_counted_beside_the_whole_under_a_name_from_a_bounded_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    journal = PowertoolsJournal("reasons")

    for code in ("ROUTING_FAILURE", "ROUTING_FAILURE", "DUPLICATE_INVOICE", "Invoice F-1 of ACME is bad"):
        journal.count(Metric.REJECTIONS, reason=code)
    journal.flush()
    journal.flush()

    whole, *parts = map(json.loads, capsys.readouterr().out.splitlines())
    assert whole["Rejections"] == [1.0] * 4
    assert whole["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert {part["reason"]: part["Rejections"] for part in parts} == {
        "ROUTING_FAILURE": [2.0], "DOUBLON": [1.0], "other": [1.0],
    }  # fmt: skip
    assert {tuple(part["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) for part in parts} == {("service", "reason")}


def test_a_kind_of_platform_is_counted_beside_the_whole_where_that_says_which_is_ill(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    journal = PowertoolsJournal("providers")

    journal.count(Metric.DEPOSIT_CALL_SECONDS, 1.5, provider="one")
    journal.count(Metric.DEPOSIT_CALL_SECONDS, 2.5, provider="one")
    journal.count(Metric.PLATFORM_ERRORS, provider="other")
    journal.count(Metric.RETRIES, provider="other")
    journal.count(Metric.PLATFORM_ERRORS)
    journal.flush()
    journal.flush()

    whole, *parts = map(json.loads, capsys.readouterr().out.splitlines())
    assert whole["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert (whole["DepositCallSeconds"], whole["PlatformErrors"], whole["Retries"]) == ([1.5, 2.5], [1.0, 1.0], [1.0])
    assert {part["provider"]: set(part) - {"_aws", "service", "provider"} for part in parts} == {
        "one": {"DepositCallSeconds"}, "other": {"PlatformErrors"},
    }  # fmt: skip
    assert (parts[0]["DepositCallSeconds"], parts[1]["PlatformErrors"]) == ([1.5, 2.5], [1.0])
    assert {tuple(part["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) for part in parts} == {("provider", "service")}


def test_no_code_of_a_platform_makes_a_metric_of_its_own() -> None:
    assert {bounded_reason(code) for code in (*REASONS, None, "", "duplicate", "F-1", "x" * 500)} == REASONS | {"other"}


def test_what_escapes_a_handler_is_reported_and_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)

    @observed("unit_test_handler")
    def handler(event: object, context: object, journal: PowertoolsJournal) -> None:
        raise DatabaseUnavailableError("Postgres: no connection")

    with pytest.raises(DatabaseUnavailableError):
        handler({}, None)

    said = json.loads(stream.getvalue())
    assert (said["message"], said["error"]) == ("unit_test_handler.failed", "DatabaseUnavailableError")


@pytest.mark.parametrize(("context", "seconds"), [(None, float("inf")), (Context(), 57.0)])
def test_a_margin_of_a_functions_time_is_kept_to_record_in(context: object, seconds: float) -> None:
    assert remaining_seconds(context) == seconds


SCRIPT = (
    "from facteur.observability import PowertoolsJournal as J; J('real').event('submission.deposited', submission_id=7)"
)


def on_a_real_terminal(environ: Mapping[str, str]) -> str:
    parent, child = pty.openpty()
    with os.fdopen(parent, "rb", buffering=0) as reader:
        subprocess.run([sys.executable, "-c", SCRIPT], stdout=child, env={**os.environ, **environ}, check=True)
        os.close(child)
        return reader.read(10_000).decode()


@pytest.mark.slow
def test_a_real_terminal_shows_colours() -> None:
    assert on_a_real_terminal({}).startswith("\033[32m✔")
    assert on_a_real_terminal({"NO_COLOR": "1"}).startswith("✔")


def test_every_marked_event_is_one_that_somebody_writes() -> None:
    assert set(observability.MARKS) == {
        "submission.deposited", "submission.rejected", "submission.failed", "submission.in_doubt", "submission.waiting",
        "status.submitted", "status.closed", "status.rejected",
    }  # fmt: skip
