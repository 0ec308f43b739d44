"""The command facteur: everything that can be asked has a command, a help text, and a place in docs/; and it starts quickly."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
import typer.main
from psycopg2.extensions import parse_dsn
from typer.testing import CliRunner

from facteur.aws.clients import forget_clients
from facteur.cli.main import app
from facteur.operate.dispatch import OPERATIONS
from facteur.postgres.url import address_problem, as_url, in_words, without_password
from local.sam import ROOT

COMMANDS = typer.main.get_group(app).commands
ASKED = re.compile(r"\b(?:ask|carry_out)\((?:\s*session, yes,)?\s*(?:operate\.)?(\w+)")
SLOW = {"boto3", "botocore", "psycopg2", "requests"}
IMPORTED = """
import sys
from typer.testing import CliRunner
from facteur.cli.main import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_every_operation_has_a_command_and_every_command_asks_for_one_that_there_is() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "layers/core/python/facteur/cli").glob("*.py"))
    asked = set(ASKED.findall(sources)) - {"self", "session", "act"}  # whatever they are given

    assert {"adopt" if name == "adopt_deposit" else name for name in asked} == set(OPERATIONS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_stands_in_the_page(name: str) -> None:
    page = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))

    assert len(COMMANDS[name].help or "") > 20
    assert re.search(rf"facteur {name}\b", page), f"no page describes facteur {name}"


def test_asking_for_help_loads_no_driver() -> None:
    command = [sys.executable, "-c", IMPORTED]

    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert "facteur" in loaded
    assert not SLOW & set(loaded)


NOWHERE = "postgresql://jane:secret@127.0.0.1:9/company"
WITHOUT_REGION = dict.fromkeys(("AWS_DEFAULT_REGION", "AWS_REGION", "FACTEUR_STACK", "FACTEUR_DATABASE_URL"))
WITHOUT_PLACE = {"FACTEUR_STACK": "", "FACTEUR_DATABASE_URL": ""}
RECORDED = ["retry F-1", "reject F-1", "adopt F-1 x", "pause default", "resume default", "redrive", "repin default"]


def said(*arguments: str, **environ: str) -> tuple[int, str]:
    forget_clients()
    result = CliRunner().invoke(app, arguments, env=WITHOUT_REGION | {"AWS_CONFIG_FILE": "/nowhere"} | environ)
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (("--database", NOWHERE, "--stack", "other"), {}),
        ((), {"FACTEUR_DATABASE_URL": NOWHERE, "FACTEUR_STACK": "other"}),
    ],
)
def test_two_installations_are_not_chosen_from(arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    code, err = said("status", *arguments, **environ)

    assert (code, "--database and --stack name two installations: give one" in err) == (2, True), err


def test_an_option_goes_before_what_a_shell_exported() -> None:
    database = said("status", "--database", NOWHERE, FACTEUR_STACK="other")
    stack = said("status", "--stack", "named", FACTEUR_DATABASE_URL=NOWHERE)

    assert (database[0], "Postgres: " in database[1]) == (2, True), database
    assert (stack[0], "Postgres: " in stack[1]) == (2, False), stack


def test_a_stack_is_asked_in_either_variables_region() -> None:
    without = said("status", "--stack", "named")
    elsewhere = said(
        "status",
        "--stack",
        "named",
        AWS_REGION="eu-west-3",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="x",
    )

    assert without == (2, "facteur: no AWS region: set AWS_DEFAULT_REGION\n")
    assert (elsewhere[0], "region" in elsewhere[1].partition("(")[0]) == (2, False), elsewhere
    assert "EndpointConnectionError" in elsewhere[1]


def test_an_empty_option_is_not_taken_for_none() -> None:
    code, err = said("status", "--database", "", FACTEUR_STACK="other")

    assert (code, "--database is empty" in err) == (2, True), err


@pytest.mark.parametrize("act", RECORDED)
def test_an_act_without_a_reason_says_what_to_add(act: str) -> None:
    name = act.split()[0]

    assert said(*act.split(), "--database", NOWHERE) == (2, f'facteur: {name} is recorded: add --why "…"\n')


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        (NOWHERE, "company at 127.0.0.1:9"),
        ("host=db dbname=company user=jane password=secret", "company at db:5432"),
        ("postgresql://jane:sec%40ret@db/company", "company at db:5432"),
        ("postgresql://jane@[::1]:5433/company?password=secret", "company at ::1:5433"),
        ("not a dsn, secret", "a database"),
    ],
)
def test_a_place_in_words_has_no_secret(dsn: str, place: str) -> None:
    assert in_words(dsn) == place


WRITTEN = [
    ("postgresql+psycopg2://jane:se-cret@db/company", "is not a postgresql:// URL"),
    ("postgresql://jane:se%sbcret@db/company", "has a % that begins no escape"),
    ("postgresql://jane:secret@db/company?password=secret&colour=red", "has a parameter after its ?"),
    ("postgresql://jane:se/cret@db/company", "cannot be read for certain: in a URL, a password's @ is written %40"),
    ("postgresql://jane:12/cret@db/company", "cannot be read for certain"),
    ("postgresql://jane:se@cret@db/company", "cannot be read for certain"),
    ("postgresql://jane:se#cret@db/company", None),
    ("postgresql://jane:se?cret@db/company", None),
    ("postgresql://jane:se%23cret@db/company", None),
    ("host=db user=jane dbname=company password=se#cret", None),
]


@pytest.mark.parametrize(("dsn", "why"), WRITTEN)
def test_no_part_of_a_password_is_shown_however_its_address_is_written(dsn: str, why: str | None) -> None:
    problem = address_problem(dsn)

    shown = (in_words(dsn), without_password(dsn), problem or "")

    assert (problem or "").startswith(why or ""), problem
    assert (problem is None) == (why is None)
    assert not [each for each in shown if "cret" in each or "se#" in each or "12" in each]
    assert (without_password(dsn) == "postgresql://jane:…@db/company") == (why is None)


@pytest.mark.parametrize("dsn", [dsn for dsn, why in WRITTEN if why is None])
def test_an_address_that_libpq_reads_is_the_same_once_it_is_escaped(dsn: str) -> None:
    assert parse_dsn(as_url(dsn)) == parse_dsn(dsn)


def test_what_is_asked_of_an_address_stays_in_what_is_shown() -> None:
    dsn = "postgresql://jane:secret@[::1]:5433/company?sslmode=require&sslpassword=secret"

    assert without_password(dsn) == "postgresql://jane:…@[::1]:5433/company?sslmode=require"
    assert parse_dsn(as_url(dsn)) == parse_dsn(dsn)


@pytest.mark.parametrize("dsn", [dsn for dsn, why in WRITTEN if why is not None])
def test_a_command_with_an_address_that_cannot_be_read_shows_nothing_of_it(dsn: str) -> None:
    code, err = said("status", "--database", dsn)

    assert (code, "cret" in err) == (2, False), err


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("list", "--limit", "abc"), "UsageError"),
        (("lst",), "UsageError"),
        (("list", "--no-such-option"), "UsageError"),
        (("status",), "OperatorError"),
        (("status", "--database", NOWHERE), "DatabaseUnavailableError"),
        (("retry", "F-1"), "OperatorError"),
    ],
)
def test_an_error_is_json_where_that_was_asked_for(arguments: tuple[str, ...], kind: str) -> None:
    command = [sys.executable, "-c", "from facteur.cli.main import main; main()", *arguments, "--json"]

    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | WITHOUT_PLACE)

    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout)["error"]["type"] == kind


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_group_an_example_and_both_spellings_of_help(name: str) -> None:
    page = CliRunner().invoke(app, [name, "-h"], env={"COLUMNS": "80"})

    assert page.exit_code == 0
    assert f"facteur {name}" in (COMMANDS[name].epilog or "")
    assert getattr(COMMANDS[name], "rich_help_panel", None)
    assert max(map(len, page.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_command_can_be_typed(name: str) -> None:
    """Click reads the words; nothing is asked."""
    examples = [line for line in (COMMANDS[name].epilog or "").split("\n\n") if line.startswith("facteur ")]

    for example in examples:
        _, typed, *words = shlex.split(example)
        assert typed == name
        COMMANDS[name].make_context(name, words)


def test_a_pipe_that_is_closed_early_is_no_noise() -> None:
    command = f"{shlex.quote(sys.executable)} -c 'from facteur.cli.main import main; main()' -h | head -1"

    assert subprocess.run(["bash", "-c", command], capture_output=True, text=True).stderr == ""
