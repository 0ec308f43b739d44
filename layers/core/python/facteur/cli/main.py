"""The entry point of `facteur`: importing the modules of the commands registers them."""

from facteur.cli import doctor, install, listing, show, status, watch
from facteur.cli.root import app

__all__ = ["app", "doctor", "install", "listing", "show", "status", "watch"]
