"""A lifecycle message that the seller sends, such as a 212: enough of it is read to find its invoice."""

from __future__ import annotations

from hashlib import sha256

from aiohttp import web
from lxml import etree

from local.simulator.afnor import flow_info
from local.simulator.afnor.acknowledgement import Acknowledgement
from local.simulator.afnor.cdar import NAMES
from local.simulator.afnor.flow_info import FlowInfo
from local.simulator.afnor.flows import Sent, Signal, Signals
from local.simulator.afnor.refusals import refused
from local.simulator.core.clock import uuid7
from local.simulator.core.documents import xml_parser
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import NAMES as CODES_BY_NUMBER
from local.simulator.core.lifecycle import Status
from local.simulator.core.world import World

SENDABLE = {"209", "211", "212", "220"}
REFERENCE = "rsm:AcknowledgementDocument/ram:ReferenceReferencedDocument"


def taken(world: World, account: str, info: FlowInfo, content: bytes) -> web.Response:
    """The 202 of a message that fits an invoice of the account; 400 CREATE_ERROR for another."""
    number, seller, code = read(content)
    if code not in SENDABLE:
        raise refused(400, "invalid CDAR", "CREATE_ERROR")
    of_it = [each for each in world.ledger.by_number[account, number] if fits(each, seller)]
    if not of_it:
        raise refused(400, "no matching invoices found", "CREATE_ERROR")
    deposit, now = of_it[-1], world.clock.now()
    status = Status(
        uuid7(now, deposit.id, "sent", len(deposit.statuses)),
        now,
        CODES_BY_NUMBER[code],
        author="SELLER",
        network_code=code,
    )
    checked_at = now + world.settings.delay_submitted / world.settings.speed
    signal = Signal(Acknowledgement(checked_at), info.syntax, info.profile, info.rule)
    world.kept(Signals).of_statuses[status.id] = Sent(signal, info.name, info.tracking_id or "", content)
    world.ledger.add_status(deposit, status)
    return flow_info.receipt(info, status.id, now, sha256(content).hexdigest(), world.settings)


def read(content: bytes) -> tuple[str, str, str]:
    """Number, seller and code; ApiError where it is no such message."""
    try:
        root = etree.fromstring(content, xml_parser())
    except etree.XMLSyntaxError:
        raise refused(400, "invalid CDAR", "CREATE_ERROR") from None
    found = [
        root.findtext(f"{REFERENCE}/{path}", "", NAMES).strip()
        for path in ("ram:IssuerAssignedID", "ram:IssuerTradeParty/ram:GlobalID", "ram:ProcessConditionCode")
    ]
    return found[0], found[1], found[2]


def fits(deposit: Deposit, seller: str) -> bool:
    invoice = deposit.invoice
    return invoice is not None and invoice.seller.siren == seller and not deposit.fate.verdict.refused
