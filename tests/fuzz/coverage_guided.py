"""`python -m tests.fuzz.coverage_guided NAME SECONDS [planted]`: one target, led by what its code covers (atheris).

Exit code 0: nothing was found. The input that was found is printed.
"""

from __future__ import annotations

import random
import sys
import tempfile
from contextlib import ExitStack

import atheris

with atheris.instrument_imports(include=["facteur", "functions"]):
    from tests.fuzz.target import faulty
    from tests.fuzz.targets import TARGETS

from tests.fuzz.inputs import changed


def main() -> None:
    """Fuzz until the time is over, or something is found."""
    name, seconds, *planted = sys.argv[1:]
    (target,) = [each for each in TARGETS if each.name == name]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        mutated: bytes = changed([data], seed) if data else target.samples[0]
        return mutated[:most]

    def try_one(data: bytes) -> None:
        target.check(data)

    with ExitStack() as stack:
        corpus = stack.enter_context(tempfile.TemporaryDirectory())
        for rank, sample in enumerate(target.samples):
            with open(f"{corpus}/{rank}", "wb") as file:
                file.write(sample)
        if planted:
            stack.enter_context(faulty(target.planted))
        options = [
            f"-max_total_time={seconds}",
            "-seed=1",
            f"-artifact_prefix={corpus}/",
            "-rss_limit_mb=0",
            "-timeout=20",
        ]
        random.seed(1)
        atheris.Setup([sys.argv[0], corpus, *options], try_one, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
