"""What can be a document, by its first bytes."""

from __future__ import annotations

import pytest

from facteur.domain.document_kind import extension_of

XML, PDF = b"<Invoice/>", b"%PDF-1.7"


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (XML, ".xml"), (b"\xef\xbb\xbf" + XML, ".xml"), ("\ufeff<Invoice/>".encode("utf-16-le"), ".xml"), (b"\n <a/>", ".xml"),
        (PDF, ".pdf"), (b"\r\n" * 100 + PDF, ".pdf"), (b"<a><!-- %PDF- --></a>", ".xml"), (b"<?xml version='1.0'?>" + XML, ".xml"),
        (b"<html>", None), (b"<!DOCTYPE html>", None), (b"<?xml version='1.0'?><!-- a --><!-- b --> <!doctype HTML>", None),
        ("<?xml version='1.0'?><html/>".encode("utf-16"), None), (b"<htmlish/>", ".xml"), (b"<!-- never closed", ".xml"),
        (b"", None), (b"{}", None), (b"Dear customer", None),
    ],
)  # fmt: skip
def test_names_lie_and_first_bytes_do_not(first: bytes, kind: str | None) -> None:
    assert extension_of(first) == kind


@pytest.mark.parametrize("comment", [b"<!-- generated -->\n", b"<!---->", b"<?a ?>"])
@pytest.mark.parametrize(("last", "kind"), [(XML, ".xml"), (b"<html>", None)])
def test_many_comments_are_read_once_each(comment: bytes, last: bytes, kind: str | None) -> None:
    """A pattern that tried every way to divide them stood still at thirty."""
    head = comment * ((1024 - len(last)) // len(comment))

    assert extension_of(head + last) == kind
