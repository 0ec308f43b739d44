"""Whether an alarm of the template rings, as CloudWatch decides it: statistic, threshold, so many of so many periods, missing data."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.resolved import resolved

Period = Mapping[str, Sequence[float]]  # metric, or metric/reason -> the values counted in it
COMPARED = {
    "GreaterThanThreshold": operator.gt, "GreaterThanOrEqualToThreshold": operator.ge, "LessThanThreshold": operator.lt,
}  # fmt: skip
STATISTICS = {"Sum": sum, "Maximum": max, "SampleCount": len}


def rings(properties: dict[str, Any], *periods: Period) -> bool:
    """The last periods, oldest first; of those before nothing was counted."""
    alarm = resolved(properties)
    wanted = alarm["EvaluationPeriods"]
    watched = [*({} for _ in range(wanted)), *periods][-wanted:]
    breaching = sum(_breaches(alarm, period) for period in watched)
    return bool(breaching >= alarm.get("DatapointsToAlarm", wanted))


def _breaches(alarm: dict[str, Any], period: Period) -> bool:
    value = _rate(alarm["Metrics"], period) if "Metrics" in alarm else _statistic(alarm, period)
    if value is None:
        return bool(alarm["TreatMissingData"] == "breaching")
    return bool(COMPARED[alarm["ComparisonOperator"]](value, alarm["Threshold"]))


def _statistic(alarm: dict[str, Any], period: Period) -> float | None:
    reason = next((each["Value"] for each in alarm.get("Dimensions", []) if each["Name"] == "reason"), None)
    values = period.get(f"{alarm['MetricName']}/{reason}" if reason else alarm["MetricName"], ())
    return STATISTICS[alarm["Statistic"]](values) if values else None  # type: ignore[operator]


def _rate(metrics: Sequence[dict[str, Any]], period: Period) -> float | None:
    """Metric math, of which only IF and FILL with a number are known here."""
    (expression,) = (each["Expression"] for each in metrics if "Expression" in each)
    values = {
        each["Id"]: period.get(each["MetricStat"]["Metric"]["MetricName"]) for each in metrics if "MetricStat" in each
    }
    if not any(values.values()):
        return None
    filled = re.sub(r"FILL\((\w+), (\d+)\)", lambda found: str(sum(values[found[1]] or [float(found[2])])), expression)
    condition, then, otherwise = re.fullmatch(r"IF\((.+), (.+), (.+)\)", filled).groups()  # type: ignore[union-attr]
    return float(eval(then if eval(condition) else otherwise))  # noqa: S307  arithmetic of the template's own
