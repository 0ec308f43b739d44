"""What a document says its number is, and documents that are made to cost: each is over after its first megabyte at the latest."""

from __future__ import annotations

from io import BytesIO

import pytest

from facteur.documents.number import DEEPEST, MOST_BYTES, number_in
from facteur.errors import DocumentUnusableError
from local.invoices import render, sample_invoice

UBL = '<Invoice xmlns="urn:x"><ID>F-1</ID></Invoice>'
LARGE = 8 * MOST_BYTES


def _within(depth: int, inner: str = "") -> str:
    return "<a>" * depth + inner + "</a>" * depth


HOSTILE = {
    "nested elements": "<Invoice>" + "<a>" * 80_000,
    "nested elements that are closed": "<Invoice>" + _within(100_000) + "<ID>F-1</ID></Invoice>",
    "nested elements with names of their own": "<Invoice>" + "".join(f"<n{n}>" for n in range(60_000)),
    "nested namespaces": "<Invoice>" + "".join(f'<p{n}:a xmlns:p{n}="urn:{n}">' for n in range(30_000)),
    "many siblings": "<Invoice>" + "<a/>" * (LARGE // 4),
    "many attributes": "<Invoice " + " ".join(f'a{n}="x"' for n in range(200_000)) + "><ID>F-1</ID></Invoice>",
    "an attribute that never ends": '<Invoice a="' + "x" * LARGE,
    "a comment that never ends": "<Invoice><!--" + "x" * LARGE,
    "a long comment": "<Invoice><!--" + "x" * LARGE + "--><ID>F-1</ID></Invoice>",
    "a name that never ends": "<Invoice><" + "x" * LARGE,
    "a processing instruction that never ends": "<?xml version='1.0'?><?x " + "x" * LARGE,
    "a CDATA section that never ends": "<Invoice><ID><![CDATA[" + "x" * LARGE,
    "a number that never ends": "<Invoice><ID>" + "1" * LARGE,
    "a document type that never ends": "<!DOCTYPE Invoice [" + "<!-- x -->" * (LARGE // 10),
    "many namespaces": "<Invoice " + " ".join(f'xmlns:a{n}="urn:{n}"' for n in range(100_000)) + "><ID>F-1</ID></Invoice>",
    "a billion laughs": '<!DOCTYPE Invoice [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY a{n + 1} "{entity}">' for n in range(12) for entity in [f"&a{n or ''};" * 10])
    + "]><Invoice><ID>&a12;</ID></Invoice>",
    "a quadratic blow-up": '<!DOCTYPE Invoice [<!ENTITY a "' + "x" * 50_000 + '">]><Invoice><ID>' + "&a;" * 20_000 + "</ID></Invoice>",
}  # fmt: skip


def _read(content: bytes) -> tuple[str | None, int]:
    """The number, None also where it cannot be read, and how far the file was read."""
    file = BytesIO(content)
    try:
        return number_in(file), file.tell()
    except DocumentUnusableError:
        return None, file.tell()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_document_is_made_of_it_is_read_for_a_megabyte_at_most(name: str, encoding: str) -> None:
    number, read = _read(HOSTILE[name].encode(encoding))

    assert read <= MOST_BYTES
    assert number in {None, "F-1"}


@pytest.mark.parametrize("syntax", ["cii", "ubl"])
def test_an_invoice_is_read_no_further_than_to_its_number(syntax: str) -> None:
    invoice = sample_invoice(1)
    content = render(invoice, syntax) + b" " * MOST_BYTES  # type: ignore[arg-type]

    number, read = _read(content)

    assert number == invoice.number
    assert read < len(content) // 10


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_an_encoding_changes_nothing(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' + UBL.replace("F-1", "F-é")

    assert _read(declared.encode(encoding))[0] == "F-é"


@pytest.mark.parametrize("inside", ["F<!-- x -->-1", "<![CDATA[F-]]>1", "F-&#49;", "F-<?x y?>1"])
def test_a_number_is_its_text_however_that_is_written(inside: str) -> None:
    assert number_in(BytesIO(UBL.replace("F-1", inside).encode())) == "F-1"


@pytest.mark.parametrize("depth", [DEEPEST - 1, DEEPEST])
def test_the_bound_is_where_it_is_said_to_be(depth: int) -> None:
    content = f"<Invoice>{_within(depth)}<ID>F-1</ID></Invoice>".encode()

    assert _read(content)[0] == ("F-1" if depth < DEEPEST else None)


@pytest.mark.parametrize(
    "declared", ['<!ENTITY n "F-1">', '<!ENTITY n SYSTEM "file:///etc/passwd">', '<!ENTITY % n "x">', '<!ENTITY n SYSTEM "x" NDATA y>']
)  # fmt: skip
def test_a_document_that_declares_entities_is_no_invoice(declared: str) -> None:
    with pytest.raises(DocumentUnusableError, match="cannot be read as far as its number"):
        number_in(BytesIO(f"<!DOCTYPE Invoice [{declared}]>{UBL}".encode()))
