"""An invoice's number, BT-1, as its XML document says it."""

from __future__ import annotations

from typing import IO
from xml.parsers.expat import ExpatError, ParserCreate

from facteur.errors import DocumentUnusableError, Problem

NUMBER_BLOCK_BYTES = 1024
NUMBER_PATHS = frozenset({("Invoice", "ID"), ("CreditNote", "ID"), ("CrossIndustryInvoice", "ExchangedDocument", "ID")})


def number_in(file: IO[bytes]) -> str | None:
    """BT-1 of a UBL or CII document; None where there is none: the platform will say so.

    Raises:
        DocumentUnusableError: the XML is broken before it, or in an encoding that this parser lacks and another may not.
    """
    reader = _NumberReader()
    try:
        while reader.number is None and (block := file.read(NUMBER_BLOCK_BYTES)):
            reader.feed(block)
        if reader.number is None:
            reader.feed(b"", True)  # younger parsers put off what they have
    except (ExpatError, ValueError, LookupError):
        if reader.number is None:
            problem = Problem("number_unreadable", "the document's XML cannot be read as far as its number")
            raise DocumentUnusableError(problem) from None
    return reader.number


class _NumberReader:
    """Reads no further than to BT-1, which stands near the top. The document is the company's own; expat bounds its entities."""

    def __init__(self) -> None:
        self.number: str | None = None
        self._path: list[str] = []
        self._text: list[str] = []
        self._parser = ParserCreate(namespace_separator="}")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self.feed = self._parser.Parse

    def _start(self, name: str, _attributes: object) -> None:
        self._path.append(name.rpartition("}")[2])
        if tuple(self._path) in NUMBER_PATHS:
            self._parser.CharacterDataHandler = self._text.append

    def _end(self, _name: str) -> None:
        if tuple(self._path) in NUMBER_PATHS:
            self.number = "".join(self._text)
            self._parser.StartElementHandler = self._parser.EndElementHandler = self._parser.CharacterDataHandler = None
        self._path.pop()
