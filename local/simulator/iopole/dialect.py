"""How a platform that is not quite right writes what it has to say: words, dates, what it leaves out, what it repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import Status
from local.simulator.core.oddities import CREATE_DATE, dated, spelt, with_date
from local.simulator.core.settings import Settings

# What a search entry may lack -> where that stands in it.
PATHS: dict[str, tuple[tuple[str, ...], ...]] = {
    "metadata": (("metadata",),),
    "invoiceId": (("metadata", "invoiceId"),),
    "direction": (("metadata", "direction"),),
    "state": (("metadata", "state"),),
    "createDate": (("metadata", "createDate"), ("metadata", "date")),
    "lastStatusData": (("lastStatusData",),),
    "businessData": (("businessData",),),
    "number": (("businessData", "invoiceId"),),
    "seller": (("businessData", "seller"),),
    "monetary": (("businessData", "monetary"),),
    "amount": (("businessData", "monetary", "invoiceAmount", "amount"),),
    "currency": (
        ("businessData", "monetary", "invoiceAmount", "currency"),
        ("businessData", "monetary", "invoiceCurrency"),
    ),
}


def status(shown: dict[str, Any], of: Status, deposit: Deposit, settings: Settings) -> dict[str, Any]:
    """A status object, rewritten."""
    date = dated(of.code, of.at, settings)
    with_date(shown, "date", date)
    shown["destType"] = spelt(of.destination, settings)
    shown["status"]["code"] = code(of.code, deposit, settings)
    if shown["json"]:
        with_date(shown["json"]["identification"], "date", date)
        if "statuses" in settings.quotes:
            shown["json"]["notes"] = [{"content": deposit.sent}]
            for response in shown["json"]["responses"]:
                for key in {"rejectionDetail"} & set(response):
                    response[key] = {**response[key], "message": deposit.sent}
    return {key: value for key, value in shown.items() if key not in settings.status_omits}


def code(word: str, deposit: Deposit, settings: Settings) -> str:
    return f"{word} {deposit.sent}" if "codes" in settings.quotes else spelt(word, settings)


def entry(shown: dict[str, Any], latest: Status | None, deposit: Deposit, settings: Settings) -> dict[str, Any]:
    """A search entry, rewritten."""
    metadata, last, business = shown["metadata"], shown.get("lastStatusData"), shown.get("businessData")
    for key in ("state", "direction"):
        metadata[key] = spelt(metadata[key], settings)
    with_date(metadata, settings.create_date_key, dated(CREATE_DATE, deposit.at, settings))
    if last and latest:
        last["code"] = code(last["code"], deposit, settings)
        with_date(last, "date", dated(latest.code, latest.at, settings))
    if "search" in settings.quotes:
        metadata["comment"] = deposit.sent
        if business:
            business["seller"] = {**business["seller"], "name": deposit.sent}
        if last:
            last["message"] = deposit.sent
    for name in settings.search_omits:
        for path in PATHS[name]:
            without(shown, path)
    return shown


def without(shown: dict[str, Any], path: Sequence[str]) -> None:
    """Take out what stands at the end of a path, as far as there is one."""
    *way, last = path
    for step in way:
        inner = shown.get(step)
        if not isinstance(inner, dict):
            return
        shown = inner
    shown.pop(last, None)
