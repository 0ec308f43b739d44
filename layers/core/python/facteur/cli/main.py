"""The entry point of `facteur`: importing the modules of the commands registers them."""

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
    watch,
)
from facteur.cli.root import app

__all__ = [
    "accounts",
    "acts",
    "app",
    "backlog",
    "dead_letters",
    "doctor",
    "install",
    "listing",
    "preview",
    "reconcile",
    "show",
    "status",
    "watch",
]
