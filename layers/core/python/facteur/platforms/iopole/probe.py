"""Cheap reads of Iopole's API that say whether an account works. None of them changes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from facteur.platforms.answers import dated, expect, listed, refusal
from facteur.platforms.http import HttpAnswer

NOBODYS_NUMBER = 'invoice.invoiceId:"facteur-doctor"'
ANSWERED = frozenset({200, 400})  # 400: the account may search, and spells its fields in another way
NOT_FOR_THIS_ACCOUNT = frozenset({400, 403, 404, 501})
DOMESTIC = "DOMESTIC_FR"

Get = Callable[[str, dict[str, str]], HttpAnswer]


class IopoleProbe:
    """The port ExaminedPlatform."""

    def __init__(self, obtain_token: Callable[[], None], get: Get, *, sandbox: bool) -> None:
        self.obtain_token, self._get, self._sandbox = obtain_token, get, sandbox

    @property
    def sandbox(self) -> bool:
        return self._sandbox

    def knock(self) -> datetime | None:
        answer = self._get("/v1.1/invoice/search", {"q": NOBODYS_NUMBER, "limit": "1"})
        if answer.status not in ANSWERED:
            raise refusal(answer)
        return dated(answer)

    def active_webhooks(self) -> int | None:
        answer = self._get("/v1/config/webhook", {})
        if answer.status in NOT_FOR_THIS_ACCOUNT:
            return None
        entries = listed(expect(answer, (dict, list)))
        return sum(_takes_statuses(each) for each in entries if isinstance(each, dict))

    def reachable(self, siren: str) -> bool | None:
        answer = self._get("/v1/directory/french", {"q": f'siren:"{siren}"', "limit": "10"})
        if answer.status in NOT_FOR_THIS_ACCOUNT:
            return None
        entries = listed(expect(answer, (dict, list)))
        today = datetime.now(UTC)
        return any(_registered(network, today) for entry in entries for network in _networks(entry))


def _takes_statuses(webhook: Mapping[str, Any]) -> bool:
    """Unless it says otherwise: null means both directions."""
    outbound = (webhook.get("filterStreamDirection") or "OUTBOUND") == "OUTBOUND"
    return outbound and (webhook.get("status") or "ACTIVE") == "ACTIVE"


def _networks(entry: Any) -> list[Mapping[str, Any]]:
    identifiers = entry.get("identifiers") if isinstance(entry, dict) else None
    listed = identifiers if isinstance(identifiers, list) else []
    found = [each.get("networkRegistered") for each in listed if isinstance(each, dict)]
    return [network for each in found if isinstance(each, list) for network in each if isinstance(network, dict)]


def _registered(network: Mapping[str, Any], today: datetime) -> bool:
    since, until = _instant(network.get("validFrom")), _instant(network.get("validTo"))
    return (
        network.get("networkIdentifier") == DOMESTIC and not (since and since > today) and not (until and until < today)
    )


def _instant(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
