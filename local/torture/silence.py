"""Whether anybody would have heard: the metrics that the workers emitted, compared with the alarms of the template."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.resolved import TEMPLATE
from local.world.alarm_clock import rings

Counted = Mapping[str, list[tuple[float, float]]]  # metric -> instants and values
WHOLE, BY_REASON = [["service"]], [["service", "reason"]]
# They ring where nothing is counted at all, which is the harness's doing: it lets nobody work who has nothing to do.
BY_ABSENCE = frozenset({"RelaySilentAlarm", "PollerSilentAlarm"})
ALARMS = {
    name: each["Properties"]
    for name, each in TEMPLATE["Resources"].items()
    if each["Type"] == "AWS::CloudWatch::Alarm" and name not in BY_ABSENCE
}


def counted(lines: Iterable[str]) -> Counted:
    """Every metric of the whole stack in the embedded metric format, and metric/reason: what is counted by platform is in it already.

    The run's clock dates the former alone; what is counted by reason is written at once behind them.
    """
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    at = 0.0
    for line in lines:
        if '"_aws"' not in line:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # cut off with its worker
        for metrics in entry["_aws"]["CloudWatchMetrics"]:
            if metrics["Dimensions"] not in (WHOLE, BY_REASON):
                continue
            reason = f"/{entry['reason']}" if metrics["Dimensions"] == BY_REASON else ""
            at = at if reason else entry["_aws"]["Timestamp"] / 1000
            for name in (metric["Name"] for metric in metrics["Metrics"]):
                values = entry.get(name, [])
                found[name + reason] += [
                    (at, float(value)) for value in (values if isinstance(values, list) else [values])
                ]
    return found


def ringing(metrics: Counted, since: float, until: float) -> set[str]:
    """The alarms that rang at some moment between two instants."""
    return {name for name, alarm in ALARMS.items() if _rang(alarm, metrics, since, until)}


def _rang(alarm: dict[str, Any], metrics: Counted, since: float, until: float) -> bool:
    seconds = float(alarm.get("Period") or 3600)
    periods = list(_periods(metrics, since, until, seconds))
    wanted = int(alarm["EvaluationPeriods"])
    return any(rings(alarm, *periods[max(0, end - wanted) : end]) for end in range(1, len(periods) + 1))


def _periods(metrics: Counted, since: float, until: float, seconds: float) -> Iterator[dict[str, list[float]]]:
    first, last = int(since // seconds), int(until // seconds)
    by_period: defaultdict[int, dict[str, list[float]]] = defaultdict(dict)
    for name, values in metrics.items():
        for at, value in values:
            by_period[int(at // seconds)].setdefault(name, []).append(value)
    for rank in range(first, last + 1):
        yield by_period.get(rank, {})
