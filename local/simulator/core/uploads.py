"""A document on its way into the ledger: faults, pace and reading are the same whatever the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from local.simulator.core import documents
from local.simulator.core.answers import PIECE
from local.simulator.core.fault_plan import FaultPlan
from local.simulator.core.faults import Fault
from local.simulator.core.gate import DEPOSIT, FAULT, NUMBER, hurt
from local.simulator.core.invoice import Invoice, Unreadable
from local.simulator.core.ledger import Deposit
from local.simulator.core.verdicts import judge
from local.simulator.core.wire import PACE
from local.simulator.core.world import WORLD, World

WORTH_A_THREAD = 200_000
USUAL_BLOCK, SLOW_BLOCK = 1 << 18, 1 << 14
LONGEST_PIECE = 400

Document = Invoice | Unreadable
Store = Callable[[bytes, Document], Awaitable[web.StreamResponse]]


class Upload(Protocol):
    """A deposit whose head is read and whose bytes are not."""

    @property
    def filename(self) -> str: ...

    async def content(self) -> bytes:
        """The document's bytes, once the body has ended as it should; ApiError otherwise."""
        ...


class TooLargeError(Exception):
    """More bytes came than the platform takes."""


async def deposit(request: web.Request, upload: Upload, store: Store) -> web.StreamResponse:
    """Store a document, unless a fault says otherwise; faults by file name strike before the body is read."""
    faults = FaultPlan() if FAULT in request else request.app[WORLD].faults  # an outage is enough
    fault = faults.for_file(upload.filename) or faults.for_request(DEPOSIT, upload.filename)
    if fault is not None and fault.unread:
        return await hurt(fault, request, lambda: received(request, upload, store, FaultPlan()))
    return await received(request, upload, store, faults, fault)


async def received(
    request: web.Request, upload: Upload, store: Store, faults: FaultPlan, fault: Fault | None = None
) -> web.StreamResponse:
    """Read the whole body, then store it as the fault wants, or as that of the number inside does."""
    content = await upload.content()
    request[PIECE] = content[:LONGEST_PIECE]
    document = await understood(request, content)
    number = document.number if isinstance(document, Invoice) else None
    request[NUMBER] = number
    return await hurt(fault or faults.for_invoice(number), request, lambda: store(content, document))


async def paced(request: web.Request, read: Callable[[int], Awaitable[bytes]], most: int) -> bytes:
    """All bytes that `read` gives, as slowly as a fault wants; TooLargeError for more than so many."""
    pieces, size = [], 0
    first, pause = request.get(PACE, (0.0, 0.0))
    await asyncio.sleep(first)
    while piece := await read(SLOW_BLOCK if pause else USUAL_BLOCK):
        size += len(piece)
        await asyncio.sleep(pause)
        if size > most:
            raise TooLargeError
        pieces.append(piece)
    return b"".join(pieces)


async def understood(request: web.Request, content: bytes) -> Document:
    validate = request.app[WORLD].settings.validate_schema
    if len(content) < WORTH_A_THREAD and content.startswith(b"<"):
        return documents.read(content, validate=validate)
    return await asyncio.to_thread(documents.read, content, validate=validate)


def keep(
    world: World, account: str, filename: str, content: bytes, document: Document, sent: str = "", key: str = ""
) -> Deposit:
    """The deposit happens here and nowhere else."""
    return world.ledger.store(
        account,
        filename,
        content,
        document if isinstance(document, Invoice) else None,
        lambda taken: judge(document, taken, world.directory, world.settings),
        world.settings,
        world.clock,
        sent,
        key,
    )


def one_before(world: World, stored: Deposit) -> str:
    """The id of the client's deposit before this one, or its own: what a platform answers that mixes them up."""
    ours = (
        each.id
        for each in reversed(world.ledger.deposits.values())
        if each.account == stored.account and not each.foreign
    )
    return next((each for each in ours if each != stored.id), stored.id)
