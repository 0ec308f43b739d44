"""Large documents: any size to the byte, the same invoice inside."""

from __future__ import annotations

import re

COMMENT_BYTES = 1_000_000  # XML parsers refuse single nodes over 10 MB
LAST_TRAILER = re.compile(rb"trailer\s*<<(?P<entries>.*?)>>\s*startxref\s+(?P<offset>\d+)\s+%%EOF\s*\Z", re.DOTALL)
SIZE_ENTRY = re.compile(rb"/Size\s+(\d+)")


def pad_to(document: bytes, size_bytes: int) -> bytes:
    """The document, made exactly that long by something every reader skips.

    XML gets comments behind its root element. A PDF gets an incremental update, as a signature would add it, with one
    object that nothing refers to.

    Raises:
        ValueError: the document is already longer, or too close to that size to be padded.
    """
    missing = size_bytes - len(document)
    if missing == 0:
        return document
    padded = document + (_pdf_update(document, missing) if document.startswith(b"%PDF") else _comments(missing))
    if len(padded) != size_bytes:
        raise ValueError(f"{len(document)} bytes cannot be padded to {size_bytes}")
    return padded


def _comments(length: int) -> bytes:
    whole, rest = divmod(length, COMMENT_BYTES)
    if whole and 0 < rest < len("<!---->"):
        whole, rest = whole - 1, rest + COMMENT_BYTES
    return b"".join(_comment(part) for part in [COMMENT_BYTES] * whole + [rest] if part)


def _comment(length: int) -> bytes:
    return b"<!--" + b" " * (length - len("<!---->")) + b"-->"


def _pdf_update(document: bytes, length: int) -> bytes:
    overhead = len(_update_with(document, filler=0))
    return _update_with(document, max(length - overhead, 0))


def _update_with(document: bytes, filler: int) -> bytes:
    """An incremental update; its numbers have leading zeros, so that its length does not depend on their values."""
    trailer = LAST_TRAILER.search(document, max(len(document) - 2048, 0))
    size = trailer and SIZE_ENTRY.search(trailer["entries"])
    if not trailer or not size:
        raise ValueError("this PDF ends in a way that only its own writer can extend")
    number = int(size[1])  # the first object number that is still free
    entries = SIZE_ENTRY.sub(b"/Size %d" % (number + 1), trailer["entries"])
    stream = b"\n%d 0 obj\n<< /Length %010d >>\nstream\n%b\nendstream\nendobj\n" % (number, filler, b" " * filler)
    table = b"xref\n0 1\n0000000000 65535 f \n%d 1\n%010d 00000 n \n" % (number, len(document) + 1)
    ending = b"trailer\n<<%b/Prev %b\n>>\nstartxref\n%010d\n%%%%EOF\n"
    return stream + table + ending % (entries, trailer["offset"], len(document) + len(stream))
