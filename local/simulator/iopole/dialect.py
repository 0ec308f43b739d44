"""How a platform that is not quite right writes what it has to say: words, dates, what it leaves out, what it repeats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from local.simulator.core.clock import iso
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import Status
from local.simulator.core.settings import Settings

PARIS = ZoneInfo("Europe/Paris")
CREATE_DATE = "createDate"  # stands for a code in the switch status_dates
ABSENT = object()
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


def spelt(word: str, settings: Settings) -> str:
    """A state, a direction, a code or a destination, in the words of this platform."""
    given = dict(each.partition("=")[::2] for each in settings.spellings if "=" in each)
    found = given.get(word, word)
    return found.lower() if "lower" in settings.spellings else found


def dated(code: str, at: float, settings: Settings) -> Any:
    """A date as it is shown; ABSENT where it is left out."""
    rules = [each.rpartition("@")[::2] for each in settings.status_dates]
    how = next((how for wanted, how in rules if wanted == code or (not wanted and code != CREATE_DATE)), None)
    if how is None:
        return iso(at)
    fixed = {
        "null": None, "absent": ABSENT, "empty": "", "text": "yesterday", "epoch_ms": int(at * 1000),
        "year1": "0001-01-01T00:00:00.000Z", "year9999": "9999-12-31T23:59:59.999Z",
    }  # fmt: skip
    if how in fixed:
        return fixed[how]
    local = datetime.fromtimestamp(at, UTC).astimezone(PARIS).replace(tzinfo=UTC)
    return iso(local.timestamp() if how == "local" else at + float(how))


def with_date(shown: dict[str, Any], key: str, date: Any) -> None:
    """Put a date in, or leave it out."""
    shown.pop(key, None)
    if date is not ABSENT:
        shown[key] = date


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
