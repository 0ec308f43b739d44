"""One benchmark in a process of its own: `python -m local.bench.one relay 0.1 result.json`. It learns nothing from the others."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from local.bench.registry import BENCHMARKS
from local.bench.result import as_data
from local.bench.stage import OwnStage


def main(name: str, scale: str, answer: str) -> None:
    """The handlers write to standard output as in Lambda; the result goes into a file."""
    Path(answer).write_text(json.dumps(as_data(BENCHMARKS[name].measure(OwnStage(), float(scale)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
