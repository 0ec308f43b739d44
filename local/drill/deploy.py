"""`python -m local.drill.deploy NAME=VALUE …`: what `sam deploy --parameter-overrides` is for the demo's stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from local.demo.stage import STACK
from local.start import run_main
from local.world.aws import Aws
from local.world.deploy import StackFailedError, change_parameters


def main(words: Sequence[str] | None = None) -> int:
    pairs = [word.partition("=") for word in (sys.argv[1:] if words is None else words)]
    if not pairs or not all(equals for _, equals, _ in pairs):
        print(__doc__, file=sys.stderr)
        return 2
    if "AWS_ENDPOINT_URL" not in os.environ:
        print("which AWS? Paste the line `export AWS_ENDPOINT_URL=…` that the drill has printed", file=sys.stderr)
        return 2
    try:
        change_parameters(Aws.from_environ(os.environ), STACK, {name: value for name, _, value in pairs})
    except StackFailedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{STACK} is deployed with {', '.join(name for name, _, _ in pairs)} changed")
    return 0


if __name__ == "__main__":
    run_main(main, asks_aws=True)
