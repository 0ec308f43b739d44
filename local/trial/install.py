"""`facteur init` on the company's own table, as a person runs it, with its questions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
from psycopg2 import sql
from typer.exceptions import TyperException

from facteur.cli.main import app
from facteur.errors import DocumentsUnknownError, OperatorError
from facteur.install.model import Plan
from facteur.operate.install import init
from facteur.operate.wiring import operate_services
from local.demo.stage import BUCKET
from local.trial.journal import connect

DAYS_BACK = 30  # what is proposed: enough for something to happen at once
ASKED = ("table", "documents", "final", "seller", "watch", "add_columns", "where")
ADDRESSES = """
select address from (select btrim({}::text) as address from {} limit 10000) i
where address <> '' order by address like 's3://_%' desc limit 1
"""
FIRST_DAY = "From which issue date on are invoices deposited with the simulator? YYYY-MM-DD"


@dataclass(frozen=True, slots=True)
class Made:
    """Where the documents of the trial are said to lie, and why."""

    address: str
    why: str


class TrialError(Exception):
    """The trial cannot be made like this; the message says what to do."""


def install(url: str, options: Sequence[str], *, folder: bool, token: str, yes: bool) -> str | None:
    """Install on the database. Where its rows name no documents that Facteur can read, gives why: then the trial says where they lie.

    Args:
        url: of the company's database.
        options: further ones of `facteur init`.
        folder: whether the user has given one with documents.
        token: of the trial, by which it knows the installation for its own.
        yes: ask nothing.

    Raises:
        TrialError: it was not installed; `facteur init` has said why.
    """
    given = options_of(options)
    made = made_from_rows(url, given, folder)
    more = ["--documents", made.address] if made else []
    if not given["submit_from"]:
        more += ["--submit-from", _first_day(yes)]
    more += ["--why", f"a trial ({token})"]
    more += ["--yes"] if yes and not given["yes"] else []
    command = [str(Path(sys.executable).with_name("facteur")), "init", *options, *more, "--apply"]
    environment = {name: value for name, value in os.environ.items() if name != "FACTEUR_STACK"}
    ended = subprocess.run(command, env=environment | {"FACTEUR_DATABASE_URL": url}, check=False)
    if ended.returncode not in (0, 1):  # 1: it was installed, and not all is well, which it has said
        raise TrialError(
            'nothing was installed: correct what init says, by INIT="--option …" where it is an option of its'
        )
    return made.why if made else None


def options_of(options: Sequence[str]) -> dict[str, Any]:
    """The options of `facteur init` as its own command line reads them."""
    commands: Any = typer.main.get_command(app)
    try:
        with commands.commands["init"].make_context("init", list(options)) as context:
            return dict(context.params)
    except TyperException as error:
        raise TrialError(f"facteur init: {getattr(error, 'message', error)} (INIT)") from None


def made_from_rows(url: str, given: dict[str, Any], folder: bool) -> Made | None:
    """Where the trial puts documents, if neither the table nor a person says where in S3 they lie."""
    if given["mapping"] is not None and given["mapping"].exists():
        return None
    services = operate_services(url)
    asked = {name: given[name] for name in ASKED} | {"columns": given["column"]}
    try:
        found = init(services, **asked, kinds=given["kinds"])
        if found.question is not None:  # it is asked later on; here any answer does
            found = init(services, **asked, kinds=[f"{column.name}=*" for column in found.question.columns])
    except DocumentsUnknownError as error:
        return Made(f"s3://{BUCKET}/{{{error.key}}}.xml", "Your table names no documents")
    except OperatorError:
        return None  # facteur init says it
    return _elsewhere(url, found.plan, folder) if found.plan and not given["documents"] else None


def _elsewhere(url: str, plan: Plan, folder: bool) -> Made | None:
    """For a column with paths or web addresses, none of which the functions can read. A folder has files by their last parts."""
    chosen = next((each.chosen for each in plan.choices if each.part == "document_uri"), None)
    if chosen is None:
        return None
    column = chosen.rpartition(" (")[0]
    address = _example(url, plan.table, column)
    if address is None or address.startswith("s3://"):
        return None
    named = column if folder and re.fullmatch(r"\w+", column) else plan.key
    ending = "" if named == column else ".xml"
    return Made(
        f"s3://{BUCKET}/{{{named}}}{ending}", f"{column} names no documents in S3 (but, for instance, {address})"
    )


def _example(url: str, table: str, column: str) -> str | None:
    """An address of the table, in S3 if there is such a one."""
    schema, _, name = table.partition(".")
    statement = sql.SQL(ADDRESSES).format(sql.Identifier(column), sql.Identifier(schema, name))
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchone()
    return str(found[0]) if found else None


def _first_day(yes: bool) -> str:
    proposed = str(datetime.now(UTC).date() - timedelta(days=DAYS_BACK))
    if yes or not sys.stdin.isatty():
        raise TrialError('from which issue date on are invoices deposited? INIT="--submit-from YYYY-MM-DD" says it')
    return str(typer.prompt(FIRST_DAY, default=proposed))
