"""The files in facteur/mapping, with what is in braces filled in."""

from __future__ import annotations

import re
from importlib.resources import files


def template(name: str, **values: str) -> str:
    """The text of a file. What is filled in is not looked through again."""
    text = files("facteur").joinpath("mapping", name).read_text("utf-8")
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)
