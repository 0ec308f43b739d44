"""What must hold before anything is sent: a table of each check. No I/O."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from facteur.domain.checks import check_number, check_size, check_unchanged, is_siren, lacking, place_of
from facteur.errors import DocumentUnusableError

SIREN = ("seller_siren (nine digits)",)


@pytest.mark.parametrize(
    ("number", "siren", "names"),
    [
        ("F-1", "123456789", ()),
        (None, "123456789", ("invoice_number",)),
        ("", "123456789", ("invoice_number",)),
        ("F-1", None, SIREN),
        ("F-1", "12345678", SIREN),
        ("F-1", "1234567890", SIREN),
        ("F-1", "12345678a", SIREN),
        ("F-1", "123456789\n", SIREN),
        ("F-1", "١٢٣٤٥٦٧٨٩", SIREN),  # digits, and no platform reads them
        ("F-1", "12345678²", SIREN),
        (None, None, ("invoice_number", *SIREN)),
    ],
)
def test_what_a_row_lacks_to_be_looked_up_by(number: str | None, siren: str | None, names: tuple[str, ...]) -> None:
    assert lacking(number, siren) == list(names)
    assert is_siren(siren) is (SIREN[0] not in names)


@pytest.mark.parametrize(
    ("uri", "files", "place"),
    [
        ("s3://bucket/a/b.xml", False, ("s3", "bucket", "a/b.xml")),
        ("s3://bucket/", False, None),
        ("s3://bucket", False, None),
        ("s3:///a.xml", False, None),
        ("file:///a%20b.xml", True, ("file", "", "a%20b.xml")),
        ("file:///a.xml", False, None),
        ("file://host/a.xml", True, None),
        ("file:///a%00.xml", True, None),
        ("https://example.org/a.xml", True, None),
        ("a.xml", True, None),
    ],
)
def test_where_a_document_lies(uri: str, files: bool, place: tuple[str, str, str] | None) -> None:
    assert place_of(uri, files=files) == place


@pytest.mark.parametrize(("size", "code"), [(0, "document_empty"), (11, "document_too_large"), (1, None), (10, None)])
def test_how_large_a_document_may_be(size: int, code: str | None) -> None:
    assert refused(lambda: check_size(size, 10)) == code


@pytest.mark.parametrize(
    ("document", "code"),
    [(None, None), ("F-1", None), (" F-1\n", None), ("f-1", "number_differs"), ("F‐1", "number_differs")],
)
def test_a_number_is_compared_to_the_letter(document: str | None, code: str | None) -> None:
    assert refused(lambda: check_number(document, "F-1")) == code


@pytest.mark.parametrize(("doubtful", "code"), [((), None), (("a",), None), (("b",), "document_changed")])
def test_other_bytes_wait_for_what_became_of_the_first(doubtful: tuple[str, ...], code: str | None) -> None:
    assert refused(lambda: check_unchanged("a", doubtful)) == code


def refused(check: Callable[[], None]) -> str | None:
    try:
        check()
    except DocumentUnusableError as error:
        return error.problem.code
    return None
