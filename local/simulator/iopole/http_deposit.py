"""POST /v1/invoice."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from aiohttp import BodyPartReader, MultipartReader, web

from local.simulator.core import documents
from local.simulator.core.answers import PIECE, quoted
from local.simulator.core.fault_plan import FaultPlan
from local.simulator.core.faults import Fault
from local.simulator.core.gate import DEPOSIT, FAULT, NUMBER, caller, hurt
from local.simulator.core.invoice import Invoice, Unreadable
from local.simulator.core.ledger import Deposit
from local.simulator.core.verdicts import judge
from local.simulator.core.wire import PACE
from local.simulator.core.world import WORLD, World
from local.simulator.iopole.refusals import refused

FILE_NAME = re.compile(r"^.*.(pdf|PDF|xml|XML|Pdf|Xml)$")
LARGEST_FILE = 50 * 1024 * 1024
MULTIPART_OVERHEAD = 64 * 1024
WORTH_A_THREAD = 200_000
USUAL_BLOCK, SLOW_BLOCK = 1 << 18, 1 << 14
LONGEST_PIECE = 400


@dataclass(frozen=True, slots=True)
class Upload:
    """The one part `file`, its name known and its bytes not read yet."""

    filename: str
    part: BodyPartReader
    reader: MultipartReader
    request: web.Request

    @property
    def pace(self) -> tuple[float, float]:
        """Seconds before the first block is read, and before each."""
        first, pause = self.request.get(PACE, (0.0, 0.0))
        return first, pause

    async def content(self) -> bytes:
        """The file's bytes, once the upload has ended as it should; anything else is 400 or 413, and stores nothing."""
        try:
            content = await self.file()
            more = await self.reader.next()
        except ValueError as error:
            raise invalid(str(error)) from error
        if more is not None:
            raise invalid("one part named file expected, and nothing else")
        return content

    async def file(self) -> bytes:
        pieces, size = [], 0
        first, pause = self.pace
        await asyncio.sleep(first)
        while piece := await self.part.read_chunk(SLOW_BLOCK if pause else USUAL_BLOCK):
            size += len(piece)
            await asyncio.sleep(pause)
            if size > LARGEST_FILE:
                raise refused(413, "File is larger than 50 MB")
            pieces.append(piece)
        return b"".join(pieces)


async def deposit(request: web.Request) -> web.StreamResponse:
    """Store a document, unless a fault says otherwise; faults by file name strike before the body is read."""
    faults = FaultPlan() if FAULT in request else request.app[WORLD].faults  # an outage is enough
    upload = await open_upload(request)
    fault = faults.for_file(upload.filename) or faults.for_request(DEPOSIT, upload.filename)
    if fault is not None and fault.unread:
        return await hurt(fault, request, lambda: received(request, upload, FaultPlan()))
    return await received(request, upload, faults, fault)


async def received(
    request: web.Request, upload: Upload, faults: FaultPlan, fault: Fault | None = None
) -> web.StreamResponse:
    """Read the whole body, then store it as the fault wants, or as that of the number inside does."""
    content = await upload.content()
    request[PIECE] = content[:LONGEST_PIECE]
    document = await understood(request, content)
    number = document.number if isinstance(document, Invoice) else None
    request[NUMBER] = number
    return await hurt(
        fault or faults.for_invoice(number), request, lambda: store(request, upload.filename, content, document)
    )


async def open_upload(request: web.Request) -> Upload:
    if (request.content_length or 0) > LARGEST_FILE + MULTIPART_OVERHEAD:
        raise refused(413, "File is larger than 50 MB")
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


def invalid(message: str) -> Exception:
    issue = {"validation": "custom", "code": "invalid_file", "message": message, "path": ["file"]}
    return refused(400, "Request validation issues", details=issue)


async def understood(request: web.Request, content: bytes) -> Invoice | Unreadable:
    validate = request.app[WORLD].settings.validate_schema
    if len(content) < WORTH_A_THREAD and content.startswith(b"<"):
        return documents.read(content, validate=validate)
    return await asyncio.to_thread(documents.read, content, validate=validate)


async def store(request: web.Request, filename: str, content: bytes, document: Invoice | Unreadable) -> web.Response:
    """The deposit happens here and nowhere else."""
    world, account = request.app[WORLD], caller(request)
    stored = world.ledger.store(
        account.client_id,
        filename,
        content,
        document if isinstance(document, Invoice) else None,
        lambda taken: judge(document, taken, world.directory, world.settings),
        world.settings,
        world.clock,
        quoted(request),
    )
    return web.json_response({"type": "INVOICE", "id": answered_id(world, stored)}, status=201)


def answered_id(world: World, stored: Deposit) -> str | int:
    """The id that the 201 names: the deposit's own, unless the platform mixes them up."""
    kind = world.settings.deposit_ids
    if kind == "previous":
        ours = (
            each.id
            for each in reversed(world.ledger.deposits.values())
            if each.account == stored.account and not each.foreign
        )
        return next((each for each in ours if each != stored.id), stored.id)
    return int(stored.id) if kind == "number" else stored.id
