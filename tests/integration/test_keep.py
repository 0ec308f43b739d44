"""What is kept running: a part that dies or hangs comes back with all that was put into it, and each is said in a line."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from local.demo.cases import ordinary_case
from local.demo.containers import DATABASE_SECRET, OWNERS_SECRET, reachable, switch_off_consumer
from local.demo.interruption import Interruption
from local.demo.keep import Keeper, upload
from local.demo.parts import AWS_EMULATOR, POSTGRES, NotBackError, Part
from local.demo.stage import BUCKET, Stage, stage
from local.demo.ticks import WorkerLog
from local.invoices import BUYERS
from local.simulator.control import Program, simulator_program
from local.stack import FunctionFailedError, StackFailedError

LOOKS = 20  # a server that was killed cannot be started before the last of its processes has gone
OTHER = "127.0.0.2"  # loopback as well, where nobody listens
RAISED = '{"level": "ERROR", "message": "submit_invoices.failed", "error": "ConfigurationError", "error_message": "no secret"}'
SIMILAR = "[ERROR] Runtime.ImportModuleError: Unable to import module 'app'"
WORKED = '{"level": "INFO", "message": "submission.deposited", "invoice_id": "7"}'


class Screen:
    """A console, and what it has shown since the last look at it."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self.console = Console(file=self._text, width=200)

    def lines(self) -> list[str]:
        said = self._text.getvalue().splitlines()
        self._text.seek(0)
        self._text.truncate()
        return said


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("keep")
    for each in (folder, *list(folder.parents)[:2]):
        each.chmod(0o711)
    with stage(lambda _line: None, Interruption(), folder) as running:
        yield running


@pytest.mark.parametrize(
    "failure", [StackFailedError("stack demo ended as ROLLBACK"), requests.ReadTimeout("no answer")]
)
def test_a_part_that_does_not_come_back_is_said_once_and_tried_until_it_does(
    screen: Screen, failure: Exception
) -> None:
    failures: list[Exception] = [failure, failure]

    def restart() -> None:
        if failures:
            raise failures.pop()

    part = Part("database", lambda: False, restart, lost="nothing is lost")
    keeper = Keeper([part], screen.console, Interruption())
    for _ in range(3):
        keeper.look()
    said = screen.lines()

    assert said[0] == "✖ the database does not answer; it is started again"
    assert said[1].startswith(f"✖ the database is not back yet ({type(failure).__name__}: {failure})")
    assert said[2:] == ["  nothing is lost", "✔ the database runs again after 0 s"]


def test_what_was_put_into_a_part_is_put_again_in_its_order_and_until_then_it_is_not_whole() -> None:
    put: list[str] = []
    away = False

    def second() -> None:
        if away:
            raise ConnectionRefusedError("the database is away")
        put.append("second")

    part = Part("AWS", lambda: True, lambda: None)
    part.put(lambda: put.append("first"))
    part.put(second)
    away = True
    with pytest.raises(NotBackError, match="the database is away"):
        part.revive()

    assert part.is_dead()
    away = False
    part.revive()
    assert not part.is_dead()
    assert put == ["first", "second", "first", "first", "second"]


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.slow)])
def test_a_simulator_that_dies_or_hangs_is_started_again_at_its_addresses(how: signal.Signals) -> None:
    with simulator_program() as program:
        program.simulator.add_company("111222333")
        program.process.send_signal(how)
        if how is signal.SIGKILL:
            program.process.wait()
        ended = program.answers()
        program.restart()

        assert (ended, program.answers()) == (False, True)
        assert program.simulator.ledger() == []
        assert isinstance(program, Program)


@pytest.mark.parametrize("line", [RAISED, SIMILAR])
def test_what_the_function_behind_the_queue_fails_with_is_told_until_it_has_worked_an_invoice(line: str) -> None:
    lines = [WORKED]
    worker = WorkerLog(lambda: lines)
    worker.look()

    lines.append(line)
    for _ in range(2):
        with pytest.raises(FunctionFailedError, match=r"ConfigurationError: no secret|Unable to import"):
            worker.look()
    lines[:] = [WORKED]  # a new emulator's log
    worker.look()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_new_emulator_has_everything_that_was_put_into_the_first_also_where_the_database_is_away_at_first(
    scene: Stage, screen: Screen, tmp_path: Path
) -> None:
    case = ordinary_case(7, BUYERS[0])
    upload([case], scene)
    switch_off_consumer(scene)
    with reachable(scene, OTHER, tmp_path):
        pass
    cloud = kill(scene, AWS_EMULATOR)
    database = kill(scene, POSTGRES)

    keeper = Keeper([cloud, database], screen.console, Interruption())
    looks = 0
    while cloud.is_dead() or database.is_dead():
        assert (looks := looks + 1) < LOOKS, screen.lines()
        keeper.look()

    said = screen.lines()
    assert said[0] == "✖ the AWS emulator does not answer; it is started again"
    assert said[1].startswith("✖ the AWS emulator is not back yet (StackFailedError: ")
    assert said[2] == "✖ the Postgres does not answer; it is started again"
    assert [line.partition(" after ")[0] for line in said if line[0] == "✔"] == [
        "✔ the Postgres runs again",
        "✔ the AWS emulator runs again",
    ]
    url = scene.aws.endpoint_url
    s3 = scene.aws.session.client("s3", endpoint_url=url)
    functions = scene.aws.session.client("lambda", endpoint_url=url)
    secrets = scene.aws.session.client("secretsmanager", endpoint_url=url)
    assert s3.get_object(Bucket=BUCKET, Key=case.file_name)["Body"].read() == case.document
    assert [each["State"] for each in functions.list_event_source_mappings()["EventSourceMappings"]] == ["Disabled"]
    assert all(secrets.get_secret_value(SecretId=name) for name in (DATABASE_SECRET, OWNERS_SECRET))


def kill(scene: Stage, name: str) -> Part:
    """End a part's program at once; it is whoever tells whether the part answers."""
    (part,) = (each for each in scene.parts if each.name == name)
    owner: Any = part.answers.__self__  # type: ignore[attr-defined]
    process = getattr(owner, "server", owner).process
    process.kill()
    process.wait()
    return part
