"""POST /v1/flows: an invoice, or a lifecycle message of the seller's."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from aiohttp import BodyPartReader, MultipartReader, web

from local.simulator.afnor import flow_info, sent_status
from local.simulator.afnor.acknowledgement import CHECKSUM, REPEATED, planned
from local.simulator.afnor.flow_info import FlowInfo
from local.simulator.afnor.flows import Signal, Signals
from local.simulator.afnor.refusals import params_error, refused
from local.simulator.core import uploads
from local.simulator.core.answers import quoted
from local.simulator.core.gate import caller
from local.simulator.core.invoice import Invoice
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import Fate, Reason, Verdict
from local.simulator.core.settings import Settings
from local.simulator.core.verdicts import judge
from local.simulator.core.world import WORLD, World

LARGEST_FILE = 100 * 1024 * 1024
LARGEST_INFO = 64 * 1024


@dataclass(slots=True)
class Upload:
    """The part `file`, its bytes not read yet; `info` comes before it or behind."""

    part: BodyPartReader
    reader: MultipartReader
    request: web.Request
    info: FlowInfo | None

    @property
    def filename(self) -> str:
        return self.info.name if self.info else self.part.filename or ""

    async def content(self) -> bytes:
        try:
            content = await uploads.paced(self.request, self.part.read_chunk, LARGEST_FILE)
            while (part := await self.reader.next()) is not None:
                if isinstance(part, BodyPartReader):
                    self.info = await read_info(part, self.request.app[WORLD].settings) or self.info
        except uploads.TooLargeError:
            raise refused(413, "Provided file is too big") from None
        except ValueError as error:
            raise params_error(str(error)) from error
        if self.info is None:
            raise refused(400, "flowInfo is required", "MISSING_REQUIRED_FIELD")
        return content


async def deposit(request: web.Request) -> web.StreamResponse:
    """Take a file, unless a fault says otherwise; what is wrong with an invoice is said later."""
    upload = await open_upload(request)

    async def store(content: bytes, document: uploads.Document) -> web.Response:
        world, info = request.app[WORLD], upload.info
        assert info is not None  # noqa: S101  its content was read
        if info.syntax == "CDAR":
            return sent_status.taken(world, caller(request).client_id, info, content)
        stored = keep(world, caller(request).client_id, info, content, document, quoted(request))
        return flow_info.receipt(info, answered_id(world, stored), stored.at, stored.sha256, world.settings)

    return await uploads.deposit(request, upload, store)


async def open_upload(request: web.Request) -> Upload:
    """Read as far as to the file."""
    settings = request.app[WORLD].settings
    if (request.content_length or 0) > LARGEST_FILE + LARGEST_INFO:
        raise refused(413, "Provided file is too big")
    if request.content_type != "multipart/form-data":
        raise params_error("multipart/form-data expected")
    try:
        reader, info = await request.multipart(), None
        while isinstance(part := await reader.next(), BodyPartReader):
            if part.name == "file":
                return Upload(part, reader, request, info)
            info = await read_info(part, settings) or info
    except ValueError as error:
        raise params_error(str(error)) from error
    raise refused(400, "file is required", "MISSING_REQUIRED_FIELD")


async def read_info(part: BodyPartReader, settings: Settings) -> FlowInfo | None:
    """A part that may be flowInfo; its content type is not looked at."""
    written = await part.read_chunk(LARGEST_INFO)
    while more := await part.read_chunk(LARGEST_INFO):
        written += more
        if len(written) > LARGEST_INFO:
            raise refused(413, "flowInfo is too big")
    return flow_info.read(written.decode("utf-8", "replace"), settings) if part.name == "flowInfo" else None


def keep(world: World, account: str, info: FlowInfo, content: bytes, document: uploads.Document, sent: str) -> Deposit:
    """The deposit happens here and nowhere else on this wire."""
    settings, key = world.settings, info.tracking_id or ""
    repeated = bool(key) and any(each.key == key for each in world.ledger.by_account[account])
    if repeated and settings.tracking_repeated == "422":
        raise refused(422, "trackingId exists already")
    mismatch = info.sha256 not in {None, sha256(content).hexdigest()}
    if mismatch and settings.checksum_mismatch == "400":
        raise refused(400, "sha256 is not that of the file", "CHECKSUM_MISMATCH")

    def fate(taken: bool) -> Fate:
        if mismatch:
            return Fate(Verdict.UNREADABLE, Reason(CHECKSUM, "sha256 is not that of the file"))
        if repeated and settings.tracking_repeated == "ack":
            return Fate(Verdict.DUPLICATE, Reason(REPEATED, "trackingId exists already"))
        return judge(document, taken, world.directory, settings)

    stored = world.ledger.store(
        account,
        info.name,
        content,
        document if isinstance(document, Invoice) else None,
        fate,
        settings,
        world.clock,
        sent,
        key,
    )
    signal = Signal(planned(stored.at, stored.fate, settings), info.syntax, info.profile, info.rule)
    world.kept(Signals).of_deposits[stored.id] = signal
    return stored


def answered_id(world: World, stored: Deposit) -> str | int:
    """The id that the 202 names: the deposit's own, unless the platform mixes them up."""
    kind = world.settings.deposit_ids
    named = uploads.one_before(world, stored) if kind == "previous" else stored.id
    return int(named) if kind == "number" else named
