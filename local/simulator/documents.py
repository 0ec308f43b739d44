"""Reads a deposited file for real: Factur-X, CII or UBL in, an invoice or the reason why not out."""

from __future__ import annotations

import logging

from lxml import etree

from local.simulator import cii, ubl
from local.simulator.invoice import Format, Invoice, Unreadable


def read(content: bytes, *, validate: bool = True) -> Invoice | Unreadable:
    """Read a file of any accepted format; schema violations are listed in the invoice, not raised."""
    if not content:
        return Unreadable("EMPTY_FILE", "The file is empty")
    if content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF"):
        return read_pdf(content, validate=validate)
    if content[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_xml(content, validate=validate)
    return Unreadable("UNKNOWN_INVOICE_FORMAT", "Neither PDF nor XML")


def read_pdf(content: bytes, *, validate: bool) -> Invoice | Unreadable:
    from facturx import get_xml_from_pdf  # half a second to import, and XML needs none of it

    for chatterbox in ("factur-x", "pypdf"):
        logging.getLogger(chatterbox).setLevel(logging.CRITICAL)
    try:
        _, xml = get_xml_from_pdf(content, check_xsd=False)
    except Exception as error:  # noqa: BLE001  a PDF reader fails in as many ways as there are broken PDFs
        return Unreadable("SYNTAX_ERROR", f"Unreadable PDF: {error}")
    if not xml:
        return Unreadable("UNKNOWN_INVOICE_FLAVOR", "The PDF carries no invoice XML")
    return read_xml(xml, validate=validate, embedded=True)


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
    """No network, no entities, no huge trees: a deposited file is a stranger's."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
