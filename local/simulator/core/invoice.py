"""What the simulator knows of a document once it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from lxml import etree

ROUTING_SCHEME = "0225"


class Format(StrEnum):
    """How the document is written, in the words of the API's specification."""

    FACTURX = "FACTURX"
    CII = "CII"
    UBL = "UBL"


@dataclass(frozen=True, slots=True)
class Party:
    """Seller or buyer; `address` is scheme:value as written in the document, e.g. 0225:111111111."""

    name: str | None = None
    siren: str | None = None
    address: str | None = None
    country: str | None = None

    @property
    def routing_siren(self) -> str | None:
        """The SIREN that the platform routes by: the electronic address, or the legal id where there is no address."""
        if self.address is None:
            return self.siren
        scheme, _, value = self.address.partition(":")
        return value[:9] if scheme == ROUTING_SCHEME else None


@dataclass(frozen=True, slots=True)
class Invoice:
    """What the platform needs to know of an invoice; missing items are None."""

    format: Format
    profile: str
    number: str | None
    issue_date: date | None
    type_code: str | None
    seller: Party
    buyer: Party
    total: str | None
    currency: str | None
    violations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file never became an invoice; `reason` is a value of rejectionDetail.reason."""

    reason: str
    message: str


def text(node: etree._Element, path: str, names: dict[str, str]) -> str | None:
    """The stripped text under a path, None where it is missing or blank."""
    found = node.findtext(path, namespaces=names)
    return found.strip() or None if found else None


def siren_of(scheme: str | None, value: str | None) -> str | None:
    """The SIREN in an identifier of scheme 0002 (SIREN), 0009 (SIRET) or 0225 (electronic address)."""
    if value is None or scheme not in {"0002", "0009", ROUTING_SCHEME}:
        return None
    digits = value.strip().replace(" ", "")[:9]
    return digits if len(digits) == 9 and digits.isdigit() else None
