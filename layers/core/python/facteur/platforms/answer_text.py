"""The text of an answer: in the charset that it names, in the one that its bytes show, and at last in UTF-8 with gaps."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LONGEST_NUMBER = 1000  # digits; Python refuses some thousands
KNOWN = ("utf-8", "utf-16", "utf-32", "ascii", "iso8859", "cp1252")  # other codecs do more than map bytes to letters


def text_of(body: bytes, content_type: str | None) -> str:
    """What a person reads; what cannot be decoded is replaced."""
    return next(_decoded(body, content_type), body.decode("utf-8", "replace"))


def json_of(body: bytes, content_type: str | None) -> Any:
    """The body as JSON, or None where it is none in any of its charsets, or so deeply nested that nobody meant it.

    One value that cannot be read, a number of thousands of digits or a letter in another charset, hides no other: it stays as text.
    """
    for text in (*_decoded(body, content_type), body.decode("utf-8", "replace")):
        try:
            return json.loads(text, parse_int=_whole_number)
        except (ValueError, RecursionError):
            continue
    return None


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _decoded(body: bytes, content_type: str | None) -> Iterator[str]:
    """The body in each charset that it may be in, the likeliest first, as far as it can be decoded whole."""
    marked = body.startswith(MARKS)
    for charset in ([] if marked else _named(content_type)) + [json.detect_encoding(body)]:
        try:
            yield body.decode(charset).removeprefix("\ufeff")
        except ValueError:
            continue


def _named(content_type: str | None) -> list[str]:
    found = CHARSET.search(content_type or "")
    try:
        name = codecs.lookup(found[1]).name if found else ""
    except LookupError:
        return []
    return [name] if name.startswith(KNOWN) else []
