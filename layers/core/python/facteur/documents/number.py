"""An invoice's number, BT-1, as its XML document says it."""

from __future__ import annotations

from typing import IO
from xml.parsers.expat import ExpatError, ParserCreate

from facteur.errors import DocumentUnusableError, Problem

FIRST_BLOCK_BYTES = 1024
MOST_BYTES = 1 << 20  # the number stands near the top
DEEPEST = 100  # elements within each other; UBL and CII have fewer than twenty
NUMBER_PATHS = frozenset({("Invoice", "ID"), ("CreditNote", "ID"), ("CrossIndustryInvoice", "ExchangedDocument", "ID")})
LONGEST_PATH = 3


def number_in(file: IO[bytes]) -> str | None:
    """BT-1 of a UBL or CII document; None where there is none in its first megabyte: the platform will say so.

    Takes time in proportion to that megabyte at the most, whatever the document is.

    Raises:
        DocumentUnusableError: the XML is broken before it, in an encoding that this parser lacks and another may not, declares
            entities, or has elements within each other as no invoice has.
    """
    reader, fed = _NumberReader(), 0
    try:
        # Each block is as long as all before it: what a long token makes the parser read again adds up to one more reading.
        while reader.number is None and fed < MOST_BYTES:
            block = file.read(min(max(FIRST_BLOCK_BYTES, fed), MOST_BYTES - fed))
            reader.feed(block, not block)
            fed += len(block)
            if not block:
                break
    except (ExpatError, ValueError, LookupError):
        if reader.number is None:
            problem = Problem("number_unreadable", "the document's XML cannot be read as far as its number")
            raise DocumentUnusableError(problem) from None
    return reader.number


class _NumberReader:
    """Reads no further than to BT-1. Whatever is no invoice's ends it with a ValueError."""

    def __init__(self) -> None:
        self.number: str | None = None
        self._path: list[str] = []
        self._text: list[str] = []
        self._parser = ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        if hasattr(self._parser, "SetReparseDeferralEnabled"):  # else younger parsers put off what the last block had
            self._parser.SetReparseDeferralEnabled(False)
        self._parser.EntityDeclHandler = _refuse_entity
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self.feed = self._parser.Parse

    def _start(self, name: str, _attributes: object) -> None:
        self._path.append(name.rpartition("}")[2])
        if len(self._path) > DEEPEST:
            raise ValueError("no invoice is as deep")
        if self._at_number():
            self._parser.CharacterDataHandler = self._text.append

    def _end(self, _name: str) -> None:
        if self._at_number():
            self.number = "".join(self._text)
            self._parser.StartElementHandler = self._parser.EndElementHandler = self._parser.CharacterDataHandler = None
        self._path.pop()

    def _at_number(self) -> bool:
        return len(self._path) <= LONGEST_PATH and tuple(self._path) in NUMBER_PATHS


def _refuse_entity(*_declaration: object) -> None:
    """No invoice declares any, and one in a number would be read as somebody else pleases."""
    raise ValueError("no invoice declares entities")
