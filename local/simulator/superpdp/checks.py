"""What a status that a client sends must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.simulator.core.ledger import Deposit
from local.simulator.superpdp.refusals import refused

BY_SELLER, BY_BUYER = {"fr:209", "fr:212"}, {"fr:204", "fr:205", "fr:206", "fr:207", "fr:208", "fr:210", "fr:211"}
WITH_REASON = {"fr:206", "fr:207", "fr:208", "fr:210"}
PAYMENT, COLLECTED = "fr:212", "MEN"
# The names of an amount in 1.35, and those of 1.13.
AMOUNTS = {
    "reported_data": ("type_code", "amount", "currency_code", "value_percent"),
    "amounts": ("type_code", "net_amount", "currency_code", "vat_rate"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A status that is to be added; `details` and `attachments` as they came."""

    invoice_id: int
    code: str
    details: list[dict[str, Any]]
    attachments: list[dict[str, Any]]

    @property
    def reason(self) -> str:
        return next((str(each["reason"]) for each in self.details if each.get("reason")), "")

    @property
    def amounts(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Each with the name of the list that it stands in."""
        return [(name, each) for detail in self.details for name in AMOUNTS for each in objects(detail.get(name))]

    @property
    def shown(self) -> dict[str, object]:
        files = [{"index": rank, "file_name": each.get("filename", "")} for rank, each in enumerate(self.attachments)]
        return {**({"details": self.details} if self.details else {}), **({"attachments": files} if files else {})}


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise refused(400, "a JSON object is expected") from error
    if not isinstance(body, dict):
        raise refused(400, "a JSON object is expected")
    return body


def read(body: Mapping[str, Any]) -> Wanted:
    """The status in a body; ApiError where something is missing, or of the wrong type."""
    invoice_id, code = body.get("invoice_id"), body.get("status_code")
    if not isinstance(invoice_id, int) or isinstance(invoice_id, bool):
        raise refused(400, "invoice_id must be an integer")
    if code not in BY_SELLER | BY_BUYER:
        raise refused(400, "status_code must be one of fr:204 to fr:212")
    return Wanted(invoice_id, str(code), objects(body.get("details")), objects(body.get("attachments")))


def objects(found: Any) -> list[dict[str, Any]]:
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise refused(400, "a list of objects is expected")
    return found


def check(wanted: Wanted, deposit: Deposit) -> None:
    """ApiError, in the broken rule's words, for a status that may not be sent."""
    if wanted.code not in (BY_SELLER if deposit.direction == "OUTBOUND" else BY_BUYER):
        raise refused(400, f"{wanted.code} is not yours to send for this invoice")
    if wanted.code in WITH_REASON and not wanted.reason:
        raise refused(400, f"[BR-FR-CDV-15] a reason is compulsory for {wanted.code}")
    for name, amount in wanted.amounts:
        missing = [key for key in AMOUNTS[name] if not isinstance(amount.get(key), str)]
        if missing:
            raise refused(400, f"{name}: {', '.join(missing)} must be strings")
    if wanted.code == PAYMENT and wanted.details and COLLECTED not in {each["type_code"] for _, each in wanted.amounts}:
        raise refused(400, f"[BR-FR-CDV-14] an amount of type {COLLECTED} with its VAT rate is compulsory")
