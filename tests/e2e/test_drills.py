"""Every drill, repaired by a program that does what docs/runbook.md says, with the commands that stand there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import psycopg2
import pytest

from local.drill.breakages import BREAKAGES, Breakage
from local.sam import ROOT
from tests.e2e.program import A_DEVELOPERS_SHELL

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PAGE = ROOT / "docs" / "runbook.md"
PATIENCE_SECONDS = 60
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`((?:facteur|select) [^`]+)`")
PLACEHOLDERS = {"ACCOUNT": "default", "NAME": "facteur-demo", '"…"': "drill"}
FAULTS = "select fix from facteur.installation_faults(true) where fix is not null"


@dataclass
class Person:
    """Somebody on call: a shell, a SQL console, the page, and what the drill has said."""

    folder: Path
    url: str
    environment: dict[str, str]
    said: str = ""

    def commands(self, breakage: Breakage) -> list[str]:
        """What the page's section has to be typed, in its order."""
        text = PAGE.read_text("utf-8").partition(f"\n## {breakage.section}\n")[2].partition("\n## ")[0]
        blocks = [line for block in SHELL.findall(text) for line in block.replace("\\\n", "").splitlines()]
        return [line.strip() for line in [*blocks, *INLINE.findall(text)]]

    def types(self, breakage: Breakage, beginning: str, **values: str) -> str:
        """Run the page's command that begins like this, with its placeholders filled in; what it prints."""
        found = next(each for each in self.commands(breakage) if each.startswith(beginning))
        for name, value in (PLACEHOLDERS | values).items():
            found = found.replace(name, shlex.quote(value))
        if found.startswith("select"):
            self.sql(found)
            return ""
        words = shlex.split(found.partition(" > ")[0])
        program = {
            "facteur": [str(Path(sys.executable).with_name("facteur"))],
            "aws": [sys.executable, "-m", "local.drill.aws"],
        }[words[0]]
        yes = ["--yes"] if words[0] == "facteur" and words[1] in {"resume", "limit", "adopt", "redrive"} else []
        said = self.run(*program, *words[1:], *yes)
        if target := found.partition(" > ")[2]:
            (self.folder / target).write_text(said)
        return said

    def deploys(self, change: str) -> None:
        self.run(sys.executable, "-m", "local.drill.deploy", change)

    def run(self, *command: str) -> str:
        result = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert result.returncode in {0, 1}, f"{command}: {result.stdout}{result.stderr}"
        return result.stdout

    def sql(self, statement: str) -> list[Any]:
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def new_secret(self, breakage: Breakage, file: str, name: str, value: str) -> None:
        """One field of a secret, beside all else that it has: read, edited in a file, written."""
        before = json.loads(json.loads(self.types(breakage, "aws secretsmanager get-secret-value")))
        (self.folder / file).write_text(json.dumps(before | {name: value}))
        self.types(breakage, "aws secretsmanager put-secret-value")

    def shown(self, pattern: str) -> str:
        found = re.search(pattern, self.said)
        assert found, self.said
        return found[1].strip()


def waits_and_resumes(person: Person, breakage: Breakage) -> None:
    assert "does not answer" in person.types(breakage, "facteur status")
    person.types(breakage, "facteur resume")


def puts_the_new_secret(person: Person, breakage: Breakage) -> None:
    person.new_secret(breakage, "platform.json", "client_secret", person.shown(r"client's secret: (.*)"))
    person.types(breakage, "facteur resume")


def adopts(person: Person, breakage: Breakage) -> None:
    number = person.shown(r"written meanwhile: (\S+)\.")
    page = person.shown(r"with its id: (\S+)")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "in doubt" not in person.types(breakage, "facteur show", NUMBER=number):
        assert time.monotonic() < deadline
    text = subprocess.check_output(["curl", "--silent", "--header", "Accept: text/html", page], text=True)
    row = next(line for line in text.split("<tr") if number in line)
    deposit = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", row)[0]
    person.types(breakage, "facteur adopt NUMBER PLATFORM_ID --unverified", NUMBER=number, PLATFORM_ID=deposit)


def puts_the_new_password(person: Person, breakage: Breakage) -> None:
    person.new_secret(breakage, "database.json", "password", person.shown(r"facteur_worker: (.*)"))


def watches_again(person: Person, breakage: Breakage) -> None:
    for (fix,) in person.sql(FAULTS):
        person.sql(fix)
    person.types(breakage, "select facteur.note_forgotten")


def deploys_the_bucket(person: Person, breakage: Breakage) -> None:
    assert "AccessDenied" in person.types(breakage, "facteur status")
    person.deploys(f"DocumentsBucket={person.shown('in the bucket ([^ ,]+)')}")


def lifts_the_limit(person: Person, breakage: Breakage) -> None:
    person.types(breakage, "facteur limit ACCOUNT none")


def corrects_the_row(person: Person, breakage: Breakage) -> None:
    assert "22012" in person.types(breakage, "facteur list --unreadable")
    person.sql("update invoicing.invoices set rate = 1 where rate = 0")


def redrives(person: Person, breakage: Breakage) -> None:
    """Not right after `facteur dead-letters`: the emulator moves none of those that it has just shown."""
    assert "dead letters: 3" in person.types(breakage, "facteur status")
    person.types(breakage, "facteur redrive")


def resumes(person: Person, breakage: Breakage) -> None:
    assert "before the move to the other bank" in person.types(breakage, "facteur status")
    person.types(breakage, "facteur resume")


def deploys_the_address(person: Person, breakage: Breakage) -> None:
    assert "EnvironmentMismatchError" in person.types(breakage, "facteur doctor") + person.run(
        str(Path(sys.executable).with_name("facteur")), "status"
    )
    person.deploys(f"IopoleBaseUrl={person.shown(r'The platform is at ([^ ,]+)')}")


def switches_it_on(person: Person, breakage: Breakage) -> None:
    assert "schedules" in person.types(breakage, "facteur doctor")
    person.types(breakage, "aws scheduler get-schedule")
    person.types(breakage, "aws scheduler update-schedule")


CURES: dict[str, Callable[[Person, Breakage], None]] = {
    "platform": waits_and_resumes, "secret": puts_the_new_secret, "doubt": adopts, "password": puts_the_new_password,
    "trigger": watches_again, "bucket": deploys_the_bucket, "limit": lifts_the_limit, "row": corrects_the_row,
    "letters": redrives, "paused": resumes, "address": deploys_the_address, "schedule": switches_it_on,
}  # fmt: skip
IN_SHORT = ("paused", "row")


@pytest.fixture(scope="module")
def drill() -> Iterator[tuple[pexpect.spawn[str], Person]]:
    """The program with its menu, and a person beside it."""
    with tempfile.TemporaryDirectory(prefix="facteur-test-drill-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        terminal = pexpect.spawn(
            sys.executable, ["-m", "local.drill"], cwd=str(ROOT), encoding="utf-8", timeout=PATIENCE_SECONDS,
            env={**os.environ, **A_DEVELOPERS_SHELL, "TMPDIR": name, "NO_COLOR": "1", "TERM": "dumb"}, dimensions=(50, 400),
        )  # fmt: skip
        terminal.expect_exact("Which one?")
        said = str(terminal.before)
        exported = re.search(r"export (AWS_ENDPOINT_URL=.*)", said)
        url = re.search(r"as the owner: (\S+)", said)
        assert exported
        assert url
        pairs = dict(word.split("=", 1) for word in shlex.split(exported[1]))
        environment = {
            **os.environ,
            **pairs,
            "FACTEUR_STACK": "facteur-demo",
            "COLUMNS": "200",
            "PYTHONPATH": str(ROOT),
        }
        yield terminal, Person(folder, url[1], environment)
        terminal.sendline("q")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0


@pytest.mark.parametrize(
    "breakage",
    [pytest.param(each, id=each.name, marks=() if each.name in IN_SHORT else pytest.mark.slow) for each in BREAKAGES],
)
def test_it_is_corrected_by_what_the_runbook_says(drill: tuple[pexpect.spawn[str], Person], breakage: Breakage) -> None:
    terminal, person = drill
    terminal.sendline(breakage.name)
    terminal.expect_exact("Ctrl-C gives up.")
    person.said = str(terminal.before)
    assert breakage.section in person.said

    try:
        CURES[breakage.name](person, breakage)
        terminal.expect_exact("over after" if breakage.passes else "repaired after")
    except BaseException:
        terminal.sendintr()  # the drill repairs it, for those that follow
        terminal.expect_exact("Which one?")
        raise
    terminal.expect_exact("Which one?")
    assert "0 were deposited twice, 0 not at all" in str(terminal.before)
    assert (breakage.passes or "") in str(terminal.before)


def test_there_are_twelve_and_each_has_its_section_and_its_cure() -> None:
    page = PAGE.read_text("utf-8")

    assert len(BREAKAGES) == len({each.name for each in BREAKAGES}) == 12
    assert [each.section for each in BREAKAGES if f"\n## {each.section}\n" not in page] == []
    assert set(CURES) == {each.name for each in BREAKAGES}
