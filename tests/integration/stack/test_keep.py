"""What is kept running: a part that dies or hangs comes back with all that was put into it, and each is said in a line."""

from __future__ import annotations

import io
import queue
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from local.demo.application import Application
from local.demo.cases import ordinary_case
from local.demo.containers import DATABASE_SECRET, OWNERS_SECRET, reachable, switch_off_consumer
from local.demo.interruption import Interruption
from local.demo.keep import Keeper, upload
from local.demo.parts import AWS_EMULATOR, POSTGRES, NotBackError, Part
from local.demo.stage import BUCKET, Stage, stage
from local.demo.ticks import WORKER, WorkerLog, ticking
from local.invoices import BUYERS
from local.simulator.core.control import Program, simulator_program
from local.world.deploy import StackFailedError
from local.world.postgres import server_folder
from local.world.stack import FunctionFailedError

PATIENCE_SECONDS = 60
LOOKS = 20  # a server that was killed cannot be started before the last of its processes has gone
OTHER = "127.0.0.2"  # loopback as well, where nobody listens
FAILED = (
    "2026-11-29 20:56:09 WARNING [lambda] ESM: Lambda facteur-demo-submit-invoices failed processing SQS batch from "
    "facteur-demo-submissions (errorType=RuntimeError errorMessage=Worker init failed: No module named 'nowhere')\n"
)
WORKED = (
    '{"level":"INFO","message":"submission.deposited","timestamp":"…","service":"submit_invoices","invoice_id":"2"}\n'
)
OTHERS = (
    '{"level":"INFO","message":"submission.withdrawn","timestamp":"…","service":"relay_submissions","invoice_id":"2"}\n'
)


class Screen:
    """A console, and what it has shown since it was last read."""

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
def scene() -> Iterator[Stage]:
    folder = server_folder("facteur-test-keep-")
    with stage(lambda _line: None, Interruption(), folder) as running:
        yield running
    shutil.rmtree(folder)


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


def test_what_the_function_behind_the_queue_fails_with_is_reported_until_it_has_worked_an_invoice(
    tmp_path: Path,
) -> None:
    log = tmp_path / "aws.log"
    log.write_text(WORKED + OTHERS + FAILED)
    worker = WorkerLog(log)

    for _ in range(2):
        with pytest.raises(FunctionFailedError, match="No module named"):
            worker.look()
    append(log, OTHERS + WORKED[:-1])
    with pytest.raises(FunctionFailedError):
        worker.look()  # its line has not ended yet
    append(log, "\n")
    worker.look()


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_that_crashes_behind_the_queue_and_its_return_are_each_a_line(scene: Stage) -> None:
    functions = scene.aws.session.client("lambda", endpoint_url=scene.aws.endpoint_url)
    name = scene.stack.resources[WORKER]
    handler = functions.get_function_configuration(FunctionName=name)["Handler"]
    functions.update_function_configuration(FunctionName=name, Handler="nowhere.handler")
    cases = [ordinary_case(rank, BUYERS[0]) for rank in (1, 2)]
    said: queue.Queue[str] = queue.Queue()

    with ticking(scene.stack, said.put), closing(Application(scene.database_url)) as application:
        application.write(cases[:1], upload(cases[:1], scene))
        failed = until(said, f"✖ {WORKER} fails")
        functions.update_function_configuration(FunctionName=name, Handler=handler)
        application.write(cases[1:], upload(cases[1:], scene))
        until(said, f"✔ {WORKER} works again")

    assert "nowhere" in failed


def until(said: queue.Queue[str], words: str) -> str:
    """The first line that begins so."""
    while not (line := said.get(timeout=PATIENCE_SECONDS)).startswith(words):
        pass
    return line


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
    """End a part's program at once; it is whoever says whether the part answers."""
    (part,) = (each for each in scene.parts if each.name == name)
    owner: Any = part.answers.__self__  # type: ignore[attr-defined]
    process = getattr(owner, "server", owner).process
    process.kill()
    process.wait()
    return part
