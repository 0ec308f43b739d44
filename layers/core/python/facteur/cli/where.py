"""Which installation a command is about: what stands on the command line goes before what a shell exported."""

from __future__ import annotations

import typer

from facteur.errors import OperatorError

OPTIONS = ("database", "stack")
TWO = "--database and --stack name two installations: give one"


def chosen(context: typer.Context, database: str | None, stack: str | None) -> tuple[str | None, str | None]:
    """The database's URL or the stack's name, never both.

    Raises:
        OperatorError: two are named, or an option is empty (a variable that a shell did not have, say).
    """
    given = dict(zip(OPTIONS, (database, stack), strict=True))
    typed = [name for name in OPTIONS if _typed(context, name)]
    for name in typed:
        if not (given[name] or "").strip():
            raise OperatorError(f"--{name} is empty: give --stack NAME, or --database postgresql://…")
    named = typed or [name for name in OPTIONS if given[name]]
    if len(named) > 1:
        raise OperatorError(TWO if typed else f"{TWO} (FACTEUR_DATABASE_URL and FACTEUR_STACK are both set)")
    return (given["database"] if "database" in named else None, given["stack"] if "stack" in named else None)


def _typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
