"""The entry point of `facteur`: importing the modules of the commands registers them."""

from facteur.cli import doctor, listing, show, status, watch
from facteur.cli.root import app

__all__ = ["app", "doctor", "listing", "show", "status", "watch"]
