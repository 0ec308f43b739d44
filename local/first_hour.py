"""`python -m local.first_hour`: type what docs/try-on-your-database.md says, on a fresh clone, and print the minutes.

The company's table is one of the field, with quotes among its invoices.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pexpect
import psycopg2

from local.sam import ROOT
from local.start import run_main
from local.world.postgres import postgres_server

PAGE = "docs/try-on-your-database.md"
COMPANY = "tests/shapes/einvoicing.sql"
EXAMPLE, EXAMPLE_ADDRESS = "postgresql://owner@127.0.0.1:5432/company", "127.0.0.1:5432"
PROMPT = re.compile(r"^(.*(?:\?|commas|YYYY-MM-DD)(?: \[[^]]+\])?: )(\S+)$", re.MULTILINE)
BLOCK = re.compile(r"```(sh|sql|text)\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"facteur show (\S+)")
WORDS_PER_MINUTE = 200
PATIENCE_SECONDS = 180
INSTALLING_SECONDS = 600
STATUS = "select technical_status from invoicing.invoices where invoice_number = %s"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.first_hour", description=__doc__)
    parser.add_argument(
        "--here", action="store_true", help="in this checkout, without cloning and setting up another one"
    )
    options = parser.parse_args()
    steps: list[tuple[str, float]] = []

    with tempfile.TemporaryDirectory(prefix="facteur-hour-") as folder, a_company() as url:
        clone = ROOT if options.here else Path(folder) / "facteur"
        if not options.here:
            with timed(steps, "git clone"):
                subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
            with timed(steps, "make setup"):
                subprocess.run(["make", "setup"], cwd=clone, check=True, timeout=INSTALLING_SECONDS)
        page = (
            (clone / PAGE)
            .read_text("utf-8")
            .replace(EXAMPLE, url)
            .replace(EXAMPLE_ADDRESS, urlsplit(url).netloc.partition("@")[2])
        )
        typed(page, clone, url, steps)
    text = BLOCK.sub("", page)
    reading = len(text.split()) / WORDS_PER_MINUTE * 60
    for name, seconds in steps:
        print(f"{seconds / 60:5.1f} min  {name}")
    print(f"{reading / 60:5.1f} min  reading the page, at {WORDS_PER_MINUTE} words a minute")
    print(f"{(sum(seconds for _, seconds in steps) + reading) / 60:5.1f} min  from the clone to the end")
    return 0


def typed(page: str, clone: Path, url: str, steps: list[tuple[str, float]]) -> None:
    """Every command of the page, in its order: the first one's questions are answered as the page shows them."""
    blocks = [(language, text) for language, text in BLOCK.findall(page) if language != "text"]
    (_, start), (_, finish), (_, look) = blocks
    with timed(
        steps, start.strip().replace(url, "…") + ", its questions answered, until the first invoice is validated"
    ):
        terminal = pexpect.spawn(
            "/bin/sh", ["-c", start], cwd=str(clone), encoding="utf-8", timeout=PATIENCE_SECONDS, dimensions=(50, 250),
            env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
        )  # fmt: skip
        terminal.logfile_read = sys.stdout
        for prompt, answer in PROMPT.findall(page):
            terminal.expect_exact(prompt.split("[2")[0].rstrip())
            terminal.sendline(answer)
        terminal.expect("✔ validated")
    with timed(steps, "an invoice is finished, and validated"):
        waited_for(terminal, url, finish, NUMBER.findall(look)[0])
    with timed(steps, "facteur show, facteur status"):
        said = subprocess.run(["/bin/sh", "-c", look], cwd=clone, check=False, capture_output=True, text=True)
        print(said.stdout)
        if "deposit accepted" not in said.stdout:
            raise RuntimeError(f"facteur show does not show the deposit: {said.stdout}{said.stderr}")
    with timed(steps, "Ctrl-C, and everything is put back"):
        terminal.sendintr()
        terminal.expect_exact("is as it was before the trial")
        terminal.expect(pexpect.EOF)


def waited_for(terminal: pexpect.spawn[str], url: str, finish: str, number: str) -> None:
    """Run the page's statement, and wait until the row says what the page says."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(finish)
        terminal.expect(rf"{number} +✔ validated")
        cursor.execute(STATUS, (number,))
        ((status,),) = cursor.fetchall()
    connection.close()
    if status != "validated":
        raise RuntimeError(f"technical_status of {number} is {status}")


@contextmanager
def a_company() -> Iterator[str]:
    """The URL of a database as the page's example has it."""
    with postgres_server() as server:
        connection = psycopg2.connect(server.url())
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("create database company")
        connection.close()
        connection = psycopg2.connect(server.url("company"))
        with connection, connection.cursor() as cursor:
            cursor.execute((ROOT / COMPANY).read_text("utf-8"))
        connection.close()
        yield server.url("company")


@contextmanager
def timed(steps: list[tuple[str, float]], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    steps.append((name, time.monotonic() - began))


if __name__ == "__main__":
    run_main(main)
