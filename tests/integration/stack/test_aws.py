"""The emulator's own life: it starts alone, answers on loopback only, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import pytest

from local.world.aws import Aws, Emulator, aws_emulator

FUNCTION = """
import os

def handler(event, context):
    return {"pid": os.getpid(), "home": os.environ["HOME"], "stranger": os.environ.get("FACTEUR_TEST_STRANGER")}
"""


@pytest.mark.slow
def test_the_emulator_and_its_functions_leave_no_process_and_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("FACTEUR_TEST_STRANGER", "from the shell")

    with aws_emulator() as emulator:
        answer = _run_a_function(emulator)
        assert tmp_path in Path(answer["home"] or "").parents
        assert answer["stranger"] is None

    assert emulator.process.poll() is not None
    assert list(tmp_path.iterdir()) == []
    assert not _runs(int(answer["pid"] or 0))


@pytest.mark.slow
def test_an_emulator_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="no-such-port"), aws_emulator(environ={"GATEWAY_PORT": "no-such-port"}):
        pass


def test_the_place_is_read_from_the_usual_variables_and_written_back_to_them() -> None:
    environ = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }

    assert Aws.from_environ(environ).environ() == environ
    assert Aws.from_environ({}).access_key_id == "test"


def _runs(pid: int) -> bool:
    """Whether the process is alive; a dead one that nobody has collected yet is not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # no Linux: it is alive; Linux: it has gone just now


def _run_a_function(emulator: Emulator) -> dict[str, str | None]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("app.py", FUNCTION)
    client = emulator.aws.session.client("lambda", endpoint_url=emulator.aws.endpoint_url)
    client.create_function(
        FunctionName="answer",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": archive.getvalue()},
    )
    payload = client.invoke(FunctionName="answer")["Payload"].read()
    return dict(json.loads(payload))
