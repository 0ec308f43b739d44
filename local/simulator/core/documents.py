"""Reads a deposited file for real: Factur-X, CII or UBL in, an invoice or the reason why not out."""

from __future__ import annotations

import logging
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE

from lxml import etree

from local.simulator.core import cii, ubl
from local.simulator.core.invoice import Format, Invoice, Unreadable

# UTF-16 and UTF-32: a byte order mark, or the first < in two or four bytes.
WIDE = (*(mark for mark in (BOM_UTF16_LE, BOM_UTF16_BE, BOM_UTF32_BE)), b"<\0", b"\0<", b"\0\0\0<")


def read(content: bytes, *, validate: bool = True) -> Invoice | Unreadable:
    """Read a file of any accepted format; schema violations are listed in the invoice, not raised."""
    if not content:
        return Unreadable("EMPTY_FILE", "The file is empty")
    if content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF"):
        return read_pdf(content, validate=validate)
    if content[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or content.startswith(WIDE):
        return read_xml(content, validate=validate)
    return Unreadable("UNKNOWN_INVOICE_FORMAT", "Neither PDF nor XML")


def read_pdf(content: bytes, *, validate: bool) -> Invoice | Unreadable:
    try:
        xml = xml_inside(content)
    except Exception as error:  # noqa: BLE001  a PDF reader fails in as many ways as there are broken PDFs
        return Unreadable("SYNTAX_ERROR", f"Unreadable PDF: {error}")
    if not xml:
        return Unreadable("UNKNOWN_INVOICE_FLAVOR", "The PDF carries no invoice XML")
    return read_xml(xml, validate=validate, embedded=True)


def xml_inside(content: bytes) -> bytes:
    """The XML that a PDF carries, empty where it carries none; raises whatever a PDF reader raises."""
    from facturx import get_xml_from_pdf  # half a second to import, and XML needs none of it

    for chatterbox in ("factur-x", "pypdf"):
        logging.getLogger(chatterbox).setLevel(logging.CRITICAL)
    _, xml = get_xml_from_pdf(content, check_xsd=False)
    return bytes(xml or b"")


def root(content: bytes) -> etree._Element | None:
    """The invoice's XML in a file that `read` could read, None in others."""
    try:
        return etree.fromstring(xml_inside(content) if content.startswith(b"%PDF") else content, xml_parser())
    except Exception:  # noqa: BLE001  as above
        return None


def read_xml(content: bytes, *, validate: bool, embedded: bool = False) -> Invoice | Unreadable:
    try:
        root = etree.fromstring(content, xml_parser())
    except etree.XMLSyntaxError as error:
        return Unreadable("SYNTAX_ERROR", str(error))
    namespace = etree.QName(root).namespace
    if namespace == cii.NAMESPACE:
        return cii.read(root, Format.FACTURX if embedded else Format.CII, validate=validate)
    if namespace in ubl.NAMESPACES:
        return ubl.read(root, validate=validate)
    return Unreadable("UNKNOWN_INVOICE_FORMAT", f"No known invoice starts with {root.tag}")


def xml_parser() -> etree.XMLParser:
    """No network and no entities: a deposited file is a stranger's. An attachment may fill all that a file may have.

    Comments are left out, or they would cut a number in two.
    """
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True, remove_pis=True
    )
