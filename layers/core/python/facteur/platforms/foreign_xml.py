"""Foreign XML as a small tree, by the standard library and within bounds: no document type, so no entities; not deep, not endless."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

MOST_BYTES = 16 << 20
MOST_ELEMENTS = 100_000
DEEPEST = 60  # elements within each other
LONGEST_TEXT = 2000  # of one element; what is longer is an attachment, or nothing that is kept


class NotXmlError(ValueError):
    """It is no XML that is read here. The words say which bound was met, and hold nothing of what was read."""


def tree_of(content: bytes) -> tuple[str, Element]:
    """The root's namespace, and the document with local names alone; a text that is too long is cut.

    Raises:
        NotXmlError: it is too large, too deep, has a document type, or is no XML.
    """
    if len(content) > MOST_BYTES:
        raise NotXmlError("it is too large")
    reader = _TreeReader()
    try:
        reader.parser.Parse(content, True)
        return reader.namespace, reader.builder.close()
    except (ExpatError, LookupError):  # the latter: an encoding that nobody knows
        raise NotXmlError("it is no XML") from None
    except ValueError as error:
        raise error if isinstance(error, NotXmlError) else NotXmlError("it is no XML") from None


class _TreeReader:
    """Builds the tree as the parser goes on, and ends it at the first thing that no such document has."""

    def __init__(self) -> None:
        self.namespace = ""
        self.builder = TreeBuilder()
        self.parser = ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse_document_type
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.parser.CharacterDataHandler = self._text
        self._depth = self._elements = self._length = 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition("}")
        if not self._elements:
            self.namespace = namespace
        self._elements, self._depth, self._length = self._elements + 1, self._depth + 1, 0
        if self._depth > DEEPEST:
            raise NotXmlError("it is too deep")
        if self._elements > MOST_ELEMENTS:
            raise NotXmlError("it is too large")
        self.builder.start(local, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self.builder.end(name.rpartition("}")[2])

    def _text(self, text: str) -> None:
        if self._length < LONGEST_TEXT:
            self.builder.data(text[: LONGEST_TEXT - self._length])
        self._length += len(text)


def _refuse_document_type(*_declaration: object) -> None:
    raise NotXmlError("it has a document type")
