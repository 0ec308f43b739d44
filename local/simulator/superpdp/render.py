"""How the API writes invoices and events: the shapes of the vendor's OpenAPI, and what the switches make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.simulator.core.accounts import Account
from local.simulator.core.clock import iso
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import Reason
from local.simulator.core.oddities import CREATE_DATE, dated, spelt, with_date
from local.simulator.core.settings import Settings
from local.simulator.core.world import World
from local.simulator.superpdp.feed import NOBODY, Event, Feed

TEXTS = {
    "api:uploaded": "Uploaded", "api:received": "Received", "api:invalid": "Invalid",
    "ppf:received": "Received by the administration", "ppf:accepted": "Accepted by the administration",
    "fr:200": "Déposée", "fr:201": "Émise par la plateforme", "fr:202": "Reçue par la plateforme",
    "fr:203": "Mise à disposition", "fr:204": "Prise en charge", "fr:205": "Approuvée",
    "fr:206": "Approuvée partiellement", "fr:207": "En litige", "fr:208": "Suspendue", "fr:209": "Complétée",
    "fr:210": "Refusée", "fr:211": "Paiement transmis", "fr:212": "Encaissée", "fr:213": "Rejetée",
    "fr:220": "Annulée", "fr:501": "Irrecevable",
}  # fmt: skip
CUT = 10
SPELT_KEY: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "truncated": lambda key: key[:CUT],
    "spaces": lambda key: f" {key} ",
}
UNKNOWN_RECEIVER = "receiver address does not exist"


def number(written: str) -> int | str:
    """An id or a code as it is on the wire: a number, unless it is none."""
    return int(written) if written.isascii() and written.isdigit() else written


def id_of(written: str, settings: Settings) -> int | str:
    return written if settings.deposit_ids == "counted" else number(written)


def company_id(world: World, client_id: str) -> int:
    return list(world.accounts.by_client_id).index(client_id) + 1 if client_id in world.accounts.by_client_id else 0


def company(world: World, account: Account) -> dict[str, object]:
    return {
        "id": company_id(world, account.client_id),
        "created_at": "2026-01-05T08:00:00.000Z",
        "env": "sandbox" if account.sandbox else "production",
        "number_scheme": "sandbox" if account.sandbox else "fr_siren",
        "number": account.company,
        "formal_name": f"Société {account.company}",
        "trade_name": f"Société {account.company}",
        "address": "1 rue du Commerce",
        "postcode": "75002",
        "city": "Paris",
        "country": "FR",
        "vat_regime": "monthly",
        "has_vat_on_debits": False,
    }


def receipt(world: World, deposit: Deposit, named: str) -> dict[str, object]:
    """What a deposit answers, under the id that it names."""
    settings = world.settings
    events = [event(each, settings) for each in world.kept(Feed).caught_up(world).of(world, deposit)]
    return {
        "id": id_of(named, settings),
        "company_id": company_id(world, deposit.account),
        "created_at": iso(deposit.at),
        "direction": "out",
        **({"external_id": deposit.key} if deposit.key else {}),
        "events": [{**each, "invoice_id": id_of(named, settings)} for each in events],
    }


def invoice(world: World, deposit: Deposit, *, events: bool, document: dict[str, object] | None) -> dict[str, object]:
    """An invoice as it is read."""
    settings = world.settings
    shown: dict[str, Any] = {
        "id": id_of(deposit.id, settings),
        "company_id": company_id(world, deposit.account),
        "direction": spelt("out" if deposit.direction == "OUTBOUND" else "in", settings),
        **external_id(deposit.key, settings),
    }
    with_date(shown, "created_at", dated(CREATE_DATE, deposit.at, settings))
    if events:
        shown["events"] = [event(each, settings) for each in world.kept(Feed).of(world, deposit)]
    if document is not None:
        shown["en_invoice"] = document
    if "search" in settings.quotes:
        shown["comment"] = deposit.sent
    return {key: value for key, value in shown.items() if key not in settings.list_omits}


def external_id(key: str, settings: Settings) -> dict[str, object]:
    """The client's own key; one that was not given is not shown."""
    how = settings.external_id_shown
    if not key or how == "absent":
        return {}
    fixed: dict[str, object] = {"null": None, "empty": ""}
    return {"external_id": fixed[how] if how in fixed else SPELT_KEY.get(how, str)(key)}


def event(of: Event, settings: Settings, details: dict[str, object] | None = None) -> dict[str, object]:
    """An event object; `details` are what the client gave that made it."""
    invoice_id = id_of(of.deposit.id, settings) if of.deposit else NOBODY + of.id
    sent = of.deposit.sent if of.deposit else ""
    shown: dict[str, Any] = {
        "id": event_id(of.id, settings),
        "invoice_id": invoice_id,
        "status_code": f"{of.code} {sent}" if "codes" in settings.quotes else spelt(of.code, settings),
        "status_text": TEXTS.get(of.code, of.code),
        **(details or {}),
    }
    with_date(shown, "created_at", dated(of.code, of.at, settings))
    reason = reason_of(of)
    if reason or "statuses" in settings.quotes:
        shown["data"] = {"reason": sent if "statuses" in settings.quotes else reason}
    return {key: value for key, value in shown.items() if key not in settings.event_omits}


def event_id(written: int, settings: Settings) -> int | str:
    kinds: dict[str, int | str] = {"twice": (written + 1) // 2, "text": str(written), "constant": 1}
    return kinds.get(settings.event_ids, written)


def reason_of(of: Event) -> str | None:
    if of.code == "api:invalid" and of.deposit and of.deposit.fate.reason:
        return UNKNOWN_RECEIVER
    return reason_text(of.status.reason) if of.status and of.status.reason else None


def reason_text(reason: Reason) -> str:
    """The text of what was broken, after its code of the reform where it has one."""
    code = {"DUPLICATED_INVOICE": "DOUBLON", "VALIDATION_FAILURE": "REJ_SEMAN"}.get(reason.code, reason.network_code)
    return ": ".join(part for part in (code, reason.message, *reason.errors[:1]) if part)


def media_type(deposit: Deposit) -> str:
    return "application/pdf" if deposit.content.startswith(b"%PDF") else "application/xml"
