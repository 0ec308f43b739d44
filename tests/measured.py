"""What the handlers measured, read from what they printed: the embedded metric format, as CloudWatch reads it."""

from __future__ import annotations

import json
from collections import defaultdict

Values = dict[str, list[float]]


def measured(printed: str) -> Values:
    """Every metric's values, of the whole stack; what is counted by reason has the reason in its name: `Rejections/DOUBLON`,
    and what is counted of a kind of platform that kind's: `Deposits/iopole`."""
    found: Values = defaultdict(list)
    for line in printed.splitlines():
        blob = json.loads(line) if line.startswith("{") else {}
        for directive in blob.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                more = [blob[name] for name in ("reason", "provider") if name in blob]
                found["/".join([metric["Name"], *more])] += blob[metric["Name"]]
    return dict(found)
