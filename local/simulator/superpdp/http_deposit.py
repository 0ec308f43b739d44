"""POST /v1.beta/invoices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from aiohttp import BodyPartReader, MultipartReader, web

from local.simulator.core import uploads
from local.simulator.core.answers import quoted
from local.simulator.core.gate import caller
from local.simulator.core.invoice import Invoice, Party, Unreadable
from local.simulator.core.ledger import Deposit, uniqueness
from local.simulator.core.world import WORLD, World
from local.simulator.superpdp import render
from local.simulator.superpdp.refusals import LOADED_ALREADY, refused

RAW = {"application/xml": "xml", "application/pdf": "pdf"}
PART = "file_name"
LARGEST_FILE = 50 * 1024 * 1024
LONGEST_KEY = 36
RULES = ("B2B", "B2C", "B2BInt")


@dataclass(frozen=True, slots=True)
class RawUpload:
    """The body is the document; the external_id stands in for its file's name."""

    filename: str
    request: web.Request

    async def content(self) -> bytes:
        try:
            return await uploads.paced(self.request, self.request.content.read, LARGEST_FILE)
        except uploads.TooLargeError as error:
            raise too_large() from error


@dataclass(frozen=True, slots=True)
class PartUpload:
    """The one part `file_name`, its bytes not read yet."""

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
            raise refused(400, str(error)) from error
        if more is not None:
            raise refused(400, f"one part named {PART} is expected")
        return content


async def deposit(request: web.Request) -> web.StreamResponse:
    """Store a document, unless something at the counter, or a fault, says otherwise; all other checks come later, as events."""
    key = request.query.get("external_id", "")
    if len(key) > LONGEST_KEY:
        raise refused(400, f"external_id is longer than {LONGEST_KEY} characters")
    upload = await opened(request, key)

    async def store(content: bytes, document: uploads.Document) -> web.Response:
        world, account = request.app[WORLD], caller(request)
        invoice = admitted(world, document)
        not_ours(account.company, invoice)
        by_rule(request.query.get("processing_rule"), invoice.buyer)
        once(world, account.client_id, content, invoice, key)
        stored = uploads.keep(world, account.client_id, upload.filename, content, invoice, quoted(request), key)
        named = uploads.one_before(world, stored) if world.settings.deposit_ids == "previous" else stored.id
        return web.json_response(render.receipt(world, stored, named))

    return await uploads.deposit(request, upload, store)


async def opened(request: web.Request, key: str) -> RawUpload | PartUpload:
    if request.content_type in RAW:
        return RawUpload(f"{key}.{RAW[request.content_type]}", request)
    if request.content_type != "multipart/form-data":
        raise refused(400, "application/xml, application/pdf or multipart/form-data is expected")
    try:
        reader = await request.multipart()
        part = await reader.next()
    except ValueError as error:
        raise refused(400, str(error)) from error
    if not isinstance(part, BodyPartReader) or part.name != PART:
        raise refused(400, f"one part named {PART} is expected")
    return PartUpload(part.filename or f"{key}.xml", part, reader, request)


def too_large() -> Exception:
    return refused(413, "document is larger than 50 MB")


def admitted(world: World, document: uploads.Document) -> Invoice:
    """A document whose structure can be read; ApiError otherwise."""
    if isinstance(document, Unreadable):
        raise refused(400, f"invalid document: {document.message}")
    if world.settings.structure_check == "schema" and document.violations:
        raise refused(400, f"invalid document: {document.violations[0]}")
    return document


def not_ours(company: str, invoice: Invoice) -> None:
    """ApiError where the seller is not the company of the session: one token is one company."""
    if company and invoice.seller.siren != company:
        raise refused(400, f"L'entreprise ({company}) liée à cette session ne correspond pas au vendeur")


def by_rule(given: str | None, buyer: Party) -> None:
    """ApiError where a rule was given and another one follows from the document."""
    if given is None:
        return
    if given not in RULES:
        raise refused(400, f"processing_rule must be one of {', '.join(RULES)}")
    abroad = buyer.country not in {None, "FR"}
    computed = "B2BInt" if abroad else "B2B" if buyer.siren or buyer.address else "B2C"
    if given != computed:
        raise refused(400, f"processing rule mismatch: computed {computed}, given {given}")


def once(world: World, account: str, content: bytes, invoice: Invoice, key: str) -> None:
    """ApiError for what was loaded before, as far as the platform looks."""
    settings, digest = world.settings, sha256(content).hexdigest()
    before = [each for each in world.ledger.by_account[account] if each.direction == "OUTBOUND" and holds(world, each)]
    same: Callable[[Deposit], bool] = {
        "content": lambda each: each.sha256 == digest,
        "number": lambda each: uniqueness(account, each.invoice) == uniqueness(account, invoice) is not None,
        "none": lambda each: False,
    }[settings.duplicates]
    if any(same(each) for each in before):
        raise refused(400, LOADED_ALREADY)
    if settings.external_id_twice == "refused" and key and any(each.key == key for each in before):
        raise refused(400, f"external_id {key} exists already")


def holds(world: World, deposit: Deposit) -> bool:
    """Whether an earlier deposit stands in the way of another; one that was rejected does only where the switch says so."""
    return not deposit.foreign and (world.settings.rejected_keeps_number or not deposit.fate.verdict.refused)
