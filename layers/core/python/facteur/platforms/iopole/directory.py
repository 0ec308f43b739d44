"""What Iopole says of an account's webhooks and of companies in the directory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from facteur.platforms.answers import expect, listed
from facteur.platforms.http import HttpAnswer

NOT_FOR_THIS_ACCOUNT = frozenset({400, 403, 404, 501})
DOMESTIC = "DOMESTIC_FR"


def active_webhooks(answer: HttpAnswer) -> int | None:
    """How many take statuses; None where the account may not see them: only the role admin may."""
    if answer.status in NOT_FOR_THIS_ACCOUNT:
        return None
    entries = listed(expect(answer, (dict, list)))
    return sum(_takes_statuses(each) for each in entries if isinstance(each, dict))


def reachable(answer: HttpAnswer) -> bool | None:
    """Whether a company of the directory receives French invoices; None where it does not say."""
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
