"""The entry point of `facteur`: importing the modules of the commands registers them."""

from __future__ import annotations

import sys

import typer

from facteur.cli import (
    accounts,
    acts,
    backlog,
    dead_letters,
    doctor,
    install,
    listing,
    preview,
    reconcile,
    show,
    status,
    uninstall,
    watch,
)
from facteur.cli.root import NOT_DONE, app, as_error


def main() -> None:
    """Run the command; with --json a wrong word on the command line is JSON as well."""
    if "--json" not in sys.argv:
        app()  # exits by itself
    try:
        sys.exit(app(standalone_mode=False))
    except typer.TyperException as error:
        print(as_error("UsageError", error.format_message()))
        sys.exit(NOT_DONE)


__all__ = [
    "accounts",
    "acts",
    "app",
    "backlog",
    "dead_letters",
    "doctor",
    "install",
    "listing",
    "main",
    "preview",
    "reconcile",
    "show",
    "status",
    "uninstall",
    "watch",
]
