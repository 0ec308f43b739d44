"""`facteur init` on the company's own table, as a person runs it, with its questions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

from facteur.bootstrap import operate_services
from facteur.cli.main import app
from facteur.errors import DocumentsUnknownError, OperatorError
from facteur.operate.install import init
from local.demo.stage import BUCKET

DAYS_BACK = 30  # what is proposed: enough for something to happen at once
ASKED = ("table", "documents", "final", "seller", "watch", "add_columns", "where")
FIRST_DAY = "From which issue date on are invoices deposited with the simulator? YYYY-MM-DD"


class TrialError(Exception):
    """The trial cannot be made like this; the message says what to do."""


def install(url: str, options: Sequence[str], *, token: str, yes: bool) -> bool:
    """Install on the database; gives whether its invoices have no documents, which are then made from the rows.

    Args:
        url: of the company's database.
        options: further ones of `facteur init`.
        token: of the trial, by which it knows the installation for its own.
        yes: ask nothing.

    Raises:
        TrialError: it was not installed; `facteur init` has said why.
    """
    given = _given(options)
    made = _made_from_rows(url, given)
    more = ["--documents", made] if made else []
    if not given["submit_from"]:
        more += ["--submit-from", _first_day(yes)]
    more += ["--why", f"a trial ({token})"]
    more += ["--yes"] if yes and not given["yes"] else []
    command = [str(Path(sys.executable).with_name("facteur")), "init", *options, *more, "--apply"]
    environment = {name: value for name, value in os.environ.items() if name != "FACTEUR_STACK"}
    ended = subprocess.run(command, env=environment | {"FACTEUR_DATABASE_URL": url}, check=False)
    if ended.returncode not in (0, 1):  # 1: it was installed, and not all is well, which it has said
        raise TrialError(
            'nothing was installed: mend what init says, by INIT="--option …" where it is an option of its'
        )
    return bool(made)


def _given(options: Sequence[str]) -> dict[str, Any]:
    """The options of `facteur init` as its own command line reads them."""
    commands: Any = typer.main.get_command(app)
    try:
        with commands.commands["init"].make_context("init", list(options)) as context:
            return dict(context.params)
    except TyperException as error:
        raise TrialError(f"facteur init: {getattr(error, 'message', error)} (INIT)") from None


def _made_from_rows(url: str, given: dict[str, Any]) -> str | None:
    """Where the documents that are made are said to lie, if neither the table nor a person says where they lie."""
    if given["mapping"] is not None and given["mapping"].exists():
        return None
    services = operate_services(url)
    asked = {name: given[name] for name in ASKED} | {"columns": given["column"]}
    try:
        found = init(services, **asked, kinds=given["kinds"])
        if found.question is not None:  # it is asked later on; here any answer does
            init(services, **asked, kinds=[f"{column.name}=*" for column in found.question.columns])
    except DocumentsUnknownError as error:
        return f"s3://{BUCKET}/{{{error.key}}}.xml"
    except OperatorError:
        return None  # facteur init says it
    return None


def _first_day(yes: bool) -> str:
    proposed = str(datetime.now(UTC).date() - timedelta(days=DAYS_BACK))
    if yes or not sys.stdin.isatty():
        raise TrialError('from which issue date on are invoices deposited? INIT="--submit-from YYYY-MM-DD" says it')
    return str(typer.prompt(FIRST_DAY, default=proposed))
