"""What can be an invoice's document, by its first bytes: names and headers lie. A pure function."""

from __future__ import annotations

import re

FIRST_BYTES = 1024  # readers look for a PDF's beginning so far in
BEFORE_TEXT = b"\xef\xbb\xbf\xff\xfe \t\r\n"
HTML = re.compile(rb"<(?:!doctype\s+)?html\b", re.IGNORECASE)
BEFORE_ROOT = ((b"<?", b"?>"), (b"<!--", b"-->"))  # instructions and comments


def extension_of(first: bytes) -> str | None:
    """`.xml` or `.pdf`, by up to `FIRST_BYTES` of a document; None: it is neither, as a page that a gateway answers with."""
    text = first[:FIRST_BYTES].replace(b"\0", b"").lstrip(BEFORE_TEXT)  # UTF-16 has a NUL at each letter of these
    if text.startswith(b"<") and not HTML.match(_root(text)):
        return ".xml"  # also where a comment in it says %PDF-
    return ".pdf" if b"%PDF-" in first[:FIRST_BYTES] else None


def _root(text: bytes) -> bytes:
    """From the first element or doctype on. Each byte is looked at once, however many comments there are."""
    while closing := next((end for begin, end in BEFORE_ROOT if text.startswith(begin)), None):
        text = text.partition(closing)[2].lstrip()
    return text
