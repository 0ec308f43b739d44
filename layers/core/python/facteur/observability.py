"""One event per invoice and outcome: JSON in Lambda, coloured lines on a terminal; and the counts that alarms watch."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit, single_metric

from facteur.domain.metrics import BY_PROVIDER, Metric, bounded_reason
from facteur.domain.visible import visible

NAMESPACE = "Facteur"
UNITS = {"Seconds": MetricUnit.Seconds, "Percent": MetricUnit.Percent}  # by a name's ending
MARKS = {  # event -> sign and ANSI colour
    "submission.deposited": ("✔", "32"),
    "status.submitted": ("✔", "32"),
    "status.closed": ("✔", "32"),
    "submission.rejected": ("✖", "31"),
    "status.rejected": ("✖", "31"),
    "submission.failed": ("✖", "31"),
    "submission.in_doubt": ("?", "33"),
    "submission.waiting": ("…", "33"),
}

Handler = Callable[[Any, Any], Any]


class ConsoleFormatter(LambdaPowertoolsFormatter):
    """The same events for a person at a terminal."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """One line: sign, event, fields."""
        name = record.getMessage()
        sign, code = MARKS.get(name, ("!", "31") if record.levelno >= logging.WARNING else ("·", "2"))
        fields = " ".join(f"{key}={visible(str(value))}" for key, value in getattr(record, "fields", {}).items())
        line = f"{sign} {name:<22} {fields}"
        return f"\033[{code}m{line}\033[0m" if self._colour else line


class PowertoolsJournal:
    """The port Journal, by Powertools: structured logs and metrics in the embedded metric format."""

    def __init__(self, service: str) -> None:
        terminal = sys.stdout.isatty() and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ
        formatter = ConsoleFormatter(colour="NO_COLOR" not in os.environ) if terminal else None
        self._stack = os.environ.get("POWERTOOLS_SERVICE_NAME", "facteur")
        # the location would always be this file
        self._logger = Logger(service=service, logger_formatter=formatter, location=None)
        self._metrics = None if terminal else Metrics(namespace=NAMESPACE, service=self._stack)
        self._reasons: defaultdict[tuple[Metric, str], float] = defaultdict(float)
        self._by_provider: dict[str, EphemeralMetrics] = {}

    def event(self, name: str, **fields: Any) -> None:
        self._log(logging.INFO, name, fields)

    def warning(self, name: str, **fields: Any) -> None:
        self._log(logging.WARNING, name, fields)

    def error(self, name: str, error: Exception) -> None:
        """A failure that escapes. Only our own errors' texts are shown: others may quote what they failed on."""
        from facteur.errors import FacteurError

        text = str(error) if isinstance(error, FacteurError) else "see the stack's own traceback"
        self._log(logging.ERROR, name, {"error": type(error).__name__, "error_message": text})

    def count(self, metric: Metric, value: float = 1, reason: str | None = None, provider: str | None = None) -> None:
        if self._metrics:
            self._metrics.add_metric(name=metric, unit=_unit(metric), value=round(value, 3))
            if reason:
                self._reasons[metric, bounded_reason(reason)] += value
            if provider and metric in BY_PROVIDER:
                self._of(provider).add_metric(name=metric, unit=_unit(metric), value=round(value, 3))

    def begin(self, context: Any) -> None:
        """Every line of an invocation carries its request id."""
        self._logger.append_keys(function_request_id=getattr(context, "aws_request_id", None))

    def flush(self) -> None:
        """Write out the metrics of an invocation."""
        if self._metrics and self._metrics.metric_set:
            self._metrics.flush_metrics()
        for (metric, reason), value in self._reasons.items():
            dimensions = {"service": self._stack, "reason": reason}
            with single_metric(
                metric, _unit(metric), round(value, 3), namespace=NAMESPACE, default_dimensions=dimensions
            ):
                pass  # written when it is left
        self._reasons.clear()
        for metrics in self._by_provider.values():
            metrics.flush_metrics()
        self._by_provider.clear()

    def _of(self, provider: str) -> EphemeralMetrics:
        """What is counted of one kind of platform in this invocation."""
        if provider not in self._by_provider:
            self._by_provider[provider] = EphemeralMetrics(namespace=NAMESPACE, service=self._stack)
            self._by_provider[provider].add_dimension("provider", provider)
        return self._by_provider[provider]

    def _log(self, level: int, name: str, fields: dict[str, Any]) -> None:
        shown = {key: value for key, value in fields.items() if value is not None}
        write = {logging.INFO: self._logger.info, logging.WARNING: self._logger.warning}.get(level, self._logger.error)
        write(name, extra={"fields": shown} if self._metrics is None else shown)


def _unit(metric: Metric) -> MetricUnit:
    return next((unit for ending, unit in UNITS.items() if metric.endswith(ending)), MetricUnit.Count)


def observed(service: str) -> Callable[[Callable[[Any, Any, PowertoolsJournal], Any]], Handler]:
    """Give a handler its journal; flush it and report what escapes, whatever happens."""

    def decorate(handler: Callable[[Any, Any, PowertoolsJournal], Any]) -> Handler:
        @functools.wraps(handler)
        def wrapped(event: Any, context: Any) -> Any:
            journal = _journal(service)
            journal.begin(context)
            try:
                return handler(event, context, journal)
            except Exception as error:
                journal.error(f"{service}.failed", error)
                raise
            finally:
                journal.flush()

        return wrapped

    return decorate


@functools.cache
def _journal(service: str) -> PowertoolsJournal:
    return PowertoolsJournal(service)


def remaining_seconds(context: Any) -> float:
    """What the function has left, less a margin to record in; endless where nobody limits it."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return float("inf") if remaining is None else remaining() / 1000 - 3.0
