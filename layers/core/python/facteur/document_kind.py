"""What can be an invoice's document, by its first bytes: names and headers lie. A pure function."""

from __future__ import annotations

import re

FIRST_BYTES = 1024  # readers look for a PDF's beginning so far in
BEFORE_TEXT = b"\xef\xbb\xbf\xff\xfe \t\r\n"
WEB_PAGE = re.compile(rb"(?:\s|<\?[^>]*>|<!--.*?-->)*<(?:!doctype\s+)?html\b", re.IGNORECASE | re.DOTALL)


def extension_of(first: bytes) -> str | None:
    """`.xml` or `.pdf`, by up to `FIRST_BYTES` of a document; None: it is neither, as a page that a gateway answers with."""
    text = first[:FIRST_BYTES].replace(b"\0", b"").lstrip(BEFORE_TEXT)  # UTF-16 has a NUL at each letter of these
    if text.startswith(b"<") and not WEB_PAGE.match(text):
        return ".xml"  # also where a comment in it says %PDF-
    return ".pdf" if b"%PDF-" in first[:FIRST_BYTES] else None
