"""The entry point of `facteur`: importing the modules of the commands registers them."""

from facteur.cli import status
from facteur.cli.root import app

__all__ = ["app", "status"]
