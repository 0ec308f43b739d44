"""How a switch is written down, and the words that more than one allows."""

from __future__ import annotations

from dataclasses import field
from typing import TypeVar

T = TypeVar("T")


def switch(default: T, meaning: str, *choices: str) -> T:
    """A dataclass field that carries its own help text and, where only some words are allowed, those words."""
    value: T = field(default=default, metadata={"help": meaning, "choices": choices})
    return value


ODD_IDS = ("uuid7", "counted", "long", "odd", "unprintable")
DEPOSIT_IDS, STATUS_IDS = (*ODD_IDS, "number", "previous"), (*ODD_IDS, "constant")
