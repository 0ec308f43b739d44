"""Whatever a developer's shell has exported: the programs under local/ reach their own AWS, on this machine, past his proxy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from local.sam import ROOT
from tests.e2e.program import A_DEVELOPERS_SHELL

ASKS_NO_AWS = {  # or is started by one that has seen to it
    "bench/one.py", "bench/sink.py", "interpreters.py", "notices.py", "readme.py", "sam_local/__main__.py", "simulator/__main__.py",
    "recording.py", "release/version.py", "structure.py",
}  # fmt: skip
LOOKS = """
import os, urllib.request
from local.world.aws import Aws
from local.start import run_main
def main():
    session = Aws("http://127.0.0.1:1", "eu-west-3", "key", "secret").session
    client = session.client("sqs", endpoint_url="http://127.0.0.1:1")
    print(client.meta.endpoint_url, urllib.request.proxy_bypass("127.0.0.1:1"), urllib.request.proxy_bypass("pypi.org"))
    print(os.environ.get("AWS_ENDPOINT_URL"))
run_main(main, asks_aws={asks})
"""


@pytest.mark.parametrize(("asks", "endpoint"), [(False, "None"), (True, "http://127.0.0.1:9")])
def test_a_program_stays_on_this_machine(asks: bool, endpoint: str) -> None:
    command = [sys.executable, "-c", LOOKS.replace("{asks}", str(asks))]
    variables = {**os.environ, **A_DEVELOPERS_SHELL, "no_proxy": "", "NO_PROXY": "intranet.example"}

    said = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)

    assert said.stdout.splitlines() == ["http://127.0.0.1:1 True False", endpoint], said.stderr


def test_every_program_that_asks_aws_does() -> None:
    programs = {
        path.relative_to(ROOT / "local").as_posix(): path.read_text("utf-8") for path in (ROOT / "local").rglob("*.py")
    }

    lacking = {
        name
        for name, text in programs.items()
        if '__name__ == "__main__"' in text and "run_main(" not in text and "stay_on_this_machine(" not in text
    }

    assert lacking == ASKS_NO_AWS
