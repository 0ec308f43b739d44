"""The SAM CLI's `local invoke`, and what it said."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.demo.stage import Stage
from local.sam import ROOT

TEMPLATE = ROOT / ".aws-sam" / "build" / "template.yaml"
TRANSCRIPT = ROOT / ".local" / "sam" / "transcript.txt"
TIMEOUT_SECONDS = 180
NOISE = re.compile(
    r"^(START|END|REPORT|Mounting|Local image|Using local|Invoking|Reading invoke|Requested to skip|SAM_CONTAINER_ID|No current session)"
)


@dataclass
class Sam:
    """The SAM CLI against a stage."""

    scene: Stage
    environment: Path
    lines: list[str] = field(default_factory=list)

    def invoke(self, function: str, event: Path) -> Any:
        """What the function answers, in a container of its own."""
        command = [
            "env", *shlex.split(os.environ["SAM_COMMAND"]), "local", "invoke", function, "--template", str(TEMPLATE), "--event", str(event),
            "--env-vars", str(self.environment), "--skip-pull-image", "--parameter-overrides", "Architecture=x86_64",
        ]  # fmt: skip
        variables = {**os.environ, **self.scene.aws.environ(), "SAM_CLI_TELEMETRY": "0"}
        variables.pop("AWS_ENDPOINT_URL")  # the SAM CLI itself asks nobody
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
        said = [line for line in done.stderr.splitlines() if line.strip() and not NOISE.match(line)]
        self.lines += [
            f"$ sam local invoke {function} --event events/{event.name}   # {time.monotonic() - began:.0f} s",
            *(line[:400] for line in said), done.stdout.strip()[:1500], "",
        ]  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.strip().splitlines()[-1] or "null") if done.stdout.strip() else None
