"""POST /v1.beta/validation_reports, public: says what is wrong with documents, and stores none."""

from __future__ import annotations

import asyncio

from aiohttp import BodyPartReader, web

from local.simulator.core import documents
from local.simulator.core.invoice import Format, Invoice, Unreadable
from local.simulator.core.verdicts import violations
from local.simulator.superpdp.refusals import refused

FORMATS = {
    Format.CII: "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    Format.FACTURX: "factur-x",
    Format.UBL: "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
}


async def reports(request: web.Request) -> web.Response:
    """One report for each part; checked are the XSD and what the simulator rejects later, and no Schematron."""
    if request.content_type != "multipart/form-data":
        raise refused(400, "multipart/form-data is expected")
    try:
        found = [await report(part) async for part in await request.multipart() if isinstance(part, BodyPartReader)]
    except ValueError as error:
        raise refused(400, str(error)) from error
    if not found:
        raise refused(400, "at least one file is expected")
    return web.json_response({"data": found})


async def report(part: BodyPartReader) -> dict[str, object]:
    content = await part.read()
    document = await asyncio.to_thread(documents.read, bytes(content))
    failures = violations(document) if isinstance(document, Invoice) else (document.message,)
    checks = [{"message": each, "raw": each} for each in failures]
    return {
        "file_name": part.filename or part.name or "",
        "file_size": len(content),
        "is_valid": not failures,
        "duration": 0,
        "format": "" if isinstance(document, Unreadable) else FORMATS[document.format],
        "conformance_level": "" if isinstance(document, Unreadable) else document.profile,
        "subreports": [{"validator": "XSD", "checks_count": 1, "messages": [], "failures": checks}],
        **({"error": document.message} if isinstance(document, Unreadable) else {}),
    }
