"""The application, and what every command shares: where it works, how it prints, and how it fails."""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar, get_type_hints

import typer
from rich.console import Console

from facteur import __version__
from facteur.cli.answers import answered
from facteur.cli.lines import console
from facteur.cli.times import localised
from facteur.cli.where import chosen
from facteur.domain.visible import as_text, visible
from facteur.errors import FacteurError, OperatorError
from facteur.operate.dispatch import OWN, READ, as_plain, function_for, operate
from facteur.operate.services import OperateServices
from facteur.operate.wiring import caller_identity, deployed, operate_services, owner_services, place

Answer = TypeVar("Answer")
Asked = ParamSpec("Asked")

NOT_WELL = 1  # it was done, and all is not well
NOT_DONE = 2  # it could not be done, and nothing was; Click's own code for wrong usage

# The groups in which help shows the commands.
LOOK, ACT, ACCOUNTS, INSTALL = "Look (nothing changes)", "Act (recorded, with --why)", "Accounts", "Install"

app = typer.Typer(
    name="facteur", no_args_is_help=True, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done and well, 1 done and something is not well, 2 not done. "
    "First: facteur status, then facteur show NUMBER.",
)  # fmt: skip

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        envvar="FACTEUR_DATABASE_URL", help="Where the database is, as postgresql://…", rich_help_panel="Where"
    ),
]
StackOption = Annotated[
    str | None,
    typer.Option(envvar="FACTEUR_STACK", help="Ask the deployed stack of this name instead", rich_help_panel="Where"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON", rich_help_panel="Where")]


def print_version(asked: bool) -> None:
    if asked:
        print(f"facteur {__version__}")
        raise typer.Exit


@app.callback()
def every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version")
    ] = False,
) -> None:
    """See how the deposits of an installation are, and put right what is not."""


@dataclass(frozen=True, slots=True)
class Session:
    """Where a command works, and how it prints."""

    database: str | None
    stack: str | None
    as_json: bool
    out: Console

    def ask(
        self, operation: Callable[Concatenate[OperateServices, Asked], Answer], *none: Asked.args, **arguments: Asked.kwargs
    ) -> Answer:  # fmt: skip
        """What an operation answers, whether a stack carries it out or this terminal. Its arguments have names.

        Raises:
            FacteurError: it could not be done.
        """
        function = function_for(operation.__name__, arguments)
        request = {"operation": operation.__name__, "arguments": arguments}
        if self.stack:
            answer = self._deployed(function, request)
        else:
            services = owner_services if function == OWN else operate_services
            answer = operate(request, services(self._database()))
        return answered(operation, answer)

    @property
    def place(self) -> str:
        """The installation in words; no secret is in it."""
        return place(self.database, self.stack)

    def show(self, answer: Answer, render: Callable[[Answer, Console], None]) -> None:
        """Print an answer for a person or, asked so, for a program: in ASCII, which every terminal and program reads alike."""
        if self.as_json:
            print(json.dumps(as_plain(answer), indent=2))
        else:
            self.draw(answer, render)

    def draw(self, answer: Answer, render: Callable[[Answer, Console], None], out: Console | None = None) -> None:
        """Print an answer for a person: whoever wrote what is in it, it is text and visible."""
        render(localised(as_text(answer), datetime.now(UTC)), out or self.out)

    def _deployed(self, function: str, request: dict[str, Any]) -> dict[str, Any]:
        """What changes something says, beside the name that was given, as whom AWS knows these credentials."""
        recorded = function != READ and not request["arguments"].get("dry_run")
        claim = {"caller": caller_identity()} if recorded else {}
        return deployed(f"{self.stack}-{function}", request | claim)

    def _database(self) -> str | None:
        if not self.database and "DATABASE_SECRET_ID" not in os.environ:
            raise OperatorError("which installation? Give --stack NAME, or --database postgresql://…")
        return self.database


def command(
    name: str | None = None, *, group: str, examples: Sequence[str] = ()
) -> Callable[[Callable[..., int | None]], Callable[..., None]]:
    """Register a function `(session, …)` as a command with the shared options beside its own. It may return an exit code.

    `group`: where help shows it. `examples`: what is typed behind `facteur`; help shows them as well.
    """

    def register(function: Callable[..., int | None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(
            *, context: typer.Context, database: str | None, stack: str | None, as_json: bool, **arguments: Any
        ) -> None:
            with errors_shown(as_json):
                code = function(Session(*chosen(context, database, stack), as_json, console()), **arguments)
            raise typer.Exit(code or 0)

        hints = get_type_hints(function, include_extras=True)
        keyword = inspect.Parameter.KEYWORD_ONLY
        own = [
            each.replace(annotation=hints[each.name], kind=keyword)
            for each in list(inspect.signature(function).parameters.values())[1:]
        ]
        shared = [
            inspect.Parameter("context", keyword, annotation=typer.Context),
            inspect.Parameter("database", keyword, default=None, annotation=DatabaseOption),
            inspect.Parameter("stack", keyword, default=None, annotation=StackOption),
            inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption),
        ]
        run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in (*own, *shared)}
        epilog = "\n\n".join(("Examples:", *(f"facteur {each}" for each in examples))) if examples else None
        app.command(name, rich_help_panel=group, epilog=epilog)(run)
        return run

    return register


@contextmanager
def errors_shown(as_json: bool) -> Iterator[None]:
    """An error of ours is one sentence, or JSON where that was asked for; anything else is a bug, and its traceback a report's."""
    try:
        yield
    except FacteurError as error:
        if as_json:
            print(as_error(type(error).__name__, str(error)))
        else:
            print(f"facteur: {visible(str(error))}", file=sys.stderr)
        raise typer.Exit(NOT_DONE) from None


def as_error(kind: str, message: str) -> str:
    """What a program reads in the place of an answer."""
    return json.dumps({"error": {"type": kind, "message": message}}, indent=2)
