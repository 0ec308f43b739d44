"""What somebody else wrote, as a terminal may show it: the one function for logs, tables, answers and questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

Answer = TypeVar("Answer")
KEY = "key"
# Letters and marks that nobody sees, though they count as printable: joiners, fillers, selectors of variants, the blank of braille.
NOT_PLAIN = re.compile("[^ -~]")
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
WITH_LINES = frozenset({"statement", "statements", "mapping"})  # SQL is shown as it is written


def visible(text: str) -> str:
    """The text on one line, with what a terminal obeys or nobody sees (ESC, NUL, U+202E, lone surrogates) as its escape."""
    return _line(text).strip()


def bare(text: str, *, blanks: bool = False) -> str:
    """The text without what nobody sees around it: blanks of all kinds, line breaks, marks of direction and order, joiners.

    `blanks`: plain ones stay, as a password may have some.
    """
    begin, end = 0, len(text)
    while begin < end and _unseen(text[begin], blanks):
        begin += 1
    while begin < end and _unseen(text[end - 1], blanks):
        end -= 1
    return text[begin:end]


def unseen_in(text: str) -> str | None:
    """The first sign of a text that nobody sees, as `U+00A0`; what JSON takes between its words is none."""
    return next((f"U+{ord(each):04X}" for each in text if each not in " \t\r\n" and _unseen(each, False)), None)


def _unseen(character: str, blanks: bool) -> bool:
    """By Unicode's categories: Python prints neither separators nor what is control, format, surrogate, private or unassigned."""
    if character == " ":
        return not blanks
    return not character.isprintable() or UNSEEN.match(character) is not None


def as_text(answer: Answer) -> Answer:
    """An answer with every text in it made visible, its keys too; lines are kept where they mean something."""
    return with_texts(answer, lambda text, name: _lines(text) if name in WITH_LINES else visible(text))


def with_texts(answer: Answer, changed: Callable[[str, str], str], name: str = "") -> Answer:
    """The same answer with each text in it as `changed` has it, by the text and the name of its field; a key's is KEY."""
    new: Any = answer
    if isinstance(answer, str) and not isinstance(answer, Enum):
        new = changed(answer, name)
    elif isinstance(answer, Mapping):
        new = {changed(key, KEY): with_texts(each, changed, key) for key, each in answer.items()}
    elif isinstance(answer, list | tuple):
        new = type(answer)(with_texts(each, changed, name) for each in answer)
    elif is_dataclass(answer) and not isinstance(answer, type):
        new = replace(
            answer, **{each.name: with_texts(getattr(answer, each.name), changed, each.name) for each in fields(answer)}
        )
    return new  # type: ignore[no-any-return]


def _lines(text: str) -> str:
    return "\n".join(map(_line, text.split("\n")))


def _line(text: str) -> str:
    return NOT_PLAIN.sub(lambda found: _shown(found[0]), text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character if not UNSEEN.match(character) else _escaped(character)
    return " " if character.isspace() else _escaped(character)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
