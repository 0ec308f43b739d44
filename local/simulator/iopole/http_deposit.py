"""POST /v1/invoice."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import BodyPartReader, MultipartReader, web

from local.simulator.core import uploads
from local.simulator.core.answers import quoted
from local.simulator.core.gate import caller
from local.simulator.core.ledger import Deposit
from local.simulator.core.world import WORLD, World
from local.simulator.iopole.refusals import refused

FILE_NAME = re.compile(r"^.*.(pdf|PDF|xml|XML|Pdf|Xml)$")
LARGEST_FILE = 50 * 1024 * 1024
MULTIPART_OVERHEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """The one part `file`, its name known and its bytes not read yet."""

    filename: str
    part: BodyPartReader
    reader: MultipartReader
    request: web.Request

    async def content(self) -> bytes:
        """The file's bytes, once the upload has ended as it should; anything else is 400 or 413, and stores nothing."""
        try:
            content = await uploads.paced(self.request, self.part.read_chunk, LARGEST_FILE)
            more = await self.reader.next()
        except uploads.TooLargeError as error:
            raise too_large() from error
        except ValueError as error:
            raise invalid(str(error)) from error
        if more is not None:
            raise invalid("one part named file expected, and nothing else")
        return content


async def deposit(request: web.Request) -> web.StreamResponse:
    """Store a document, unless a fault says otherwise."""
    upload = await open_upload(request)

    async def store(content: bytes, document: uploads.Document) -> web.Response:
        world = request.app[WORLD]
        stored = uploads.keep(world, caller(request).client_id, upload.filename, content, document, quoted(request))
        return web.json_response({"type": "INVOICE", "id": answered_id(world, stored)}, status=201)

    return await uploads.deposit(request, upload, store)


async def open_upload(request: web.Request) -> Upload:
    if (request.content_length or 0) > LARGEST_FILE + MULTIPART_OVERHEAD:
        raise too_large()
    if request.content_type != "multipart/form-data":
        raise invalid("multipart/form-data expected")
    try:
        reader = await request.multipart()
        part = await reader.next()
    except ValueError as error:
        raise invalid(str(error)) from error
    if not isinstance(part, BodyPartReader) or part.name != "file":
        raise invalid("one part named file expected")
    if not FILE_NAME.match(part.filename or ""):
        raise invalid("the file name must end in .pdf or .xml")
    return Upload(str(part.filename), part, reader, request)


def too_large() -> Exception:
    return refused(413, "File is larger than 50 MB")


def invalid(message: str) -> Exception:
    issue = {"validation": "custom", "code": "invalid_file", "message": message, "path": ["file"]}
    return refused(400, "Request validation issues", details=issue)


def answered_id(world: World, stored: Deposit) -> str | int:
    """The id that the 201 names: the deposit's own, unless the platform mixes them up."""
    kind = world.settings.deposit_ids
    named = uploads.one_before(world, stored) if kind == "previous" else stored.id
    return int(named) if kind == "number" else named
