"""The directory of companies, and what each does with an invoice it receives."""

from __future__ import annotations

from dataclasses import dataclass, field

UNREACHABLE = "404"
SILENT = "203"
# A company's behaviour is the French code of the status at which its invoices stop.
BEHAVIOURS = {
    "201": "its platform never answers",
    "202": "its platform receives and says no more",
    SILENT: "silent: the invoice is made available and stays there",
    "204": "takes the invoice in hand",
    "205": "approves",
    "206": "approves in part",
    "207": "disputes",
    "208": "suspends, waiting for documents",
    "210": "refuses",
    "211": "approves and pays",
    "213": "its platform rejects the invoice",
    UNREACHABLE: "registered, but no platform receives for it (NOT_TRANSMITTED)",
}


@dataclass(frozen=True, slots=True)
class Company:
    """A legal unit of the directory."""

    siren: str
    name: str
    behaviour: str = SILENT


@dataclass(slots=True)
class Directory:
    """Companies registered by hand, and a convention: any SIREN whose first three digits are a behaviour is one too."""

    registered: dict[str, Company] = field(default_factory=dict)

    def add(self, company: Company) -> None:
        if company.behaviour not in BEHAVIOURS:
            raise ValueError(f"no such behaviour: {company.behaviour!r}; one of {', '.join(BEHAVIOURS)}")
        self.registered[company.siren] = company

    def find(self, siren: str | None) -> Company | None:
        if siren is None:
            return None
        by_convention = len(siren) == 9 and siren.isdigit() and siren[:3] in BEHAVIOURS
        return self.registered.get(siren) or (Company(siren, f"Société {siren}", siren[:3]) if by_convention else None)


def usual_companies() -> Directory:
    """The two companies of the API's own samples."""
    directory = Directory()
    directory.add(Company("111111111", "VENDEUR SARL"))
    directory.add(Company("222222222", "ACHETEUR SA"))
    return directory
