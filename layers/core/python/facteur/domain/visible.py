"""What somebody else wrote, as a terminal may show it: the one function for logs, tables, answers and questions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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


def as_text(answer: Any, *, lines: bool = False) -> Any:
    """An answer with every text in it made visible, its keys too; `lines` are kept where they mean something."""
    if isinstance(answer, str):
        return "\n".join(map(_line, answer.split("\n"))) if lines else visible(answer)
    if isinstance(answer, Mapping):
        return {as_text(name): as_text(value, lines=name in WITH_LINES) for name, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [as_text(each, lines=lines) for each in answer]
    return answer


def _line(text: str) -> str:
    return NOT_PLAIN.sub(lambda found: _shown(found[0]), text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character if not UNSEEN.match(character) else _escaped(character)
    return " " if character.isspace() else _escaped(character)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
