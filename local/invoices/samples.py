"""A small invented trade: one seller, a dozen buyers, and as many invoices between them as anybody wants."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from local.invoices.model import Company, Line, SampleInvoice

FIRST_DAY = date(2026, 9, 1)  # the reform's first day


def company(name: str, behaviour: str, rank: int, city: str = "Paris", postcode: str = "75002") -> Company:
    """An invented company whose SIREN passes the check-digit test; another rank gives another SIREN.

    The platform simulator lets a buyer behave as the first three digits of its SIREN say: 205 approves, 210 refuses.
    """
    stem = f"{behaviour:0>3}{rank:05}"
    return Company(name, stem + _luhn_digit(stem), f"{rank % 90 + 1} rue du Commerce", postcode, city)


def sample_invoice(
    rank: int, *, prefix: str = "F-2026-", seller: Company | None = None, buyer: Company | None = None
) -> SampleInvoice:
    """The invoice of that rank: always the same one, with a number, a buyer, and amounts of its own."""
    issued = FIRST_DAY + timedelta(days=rank % 60)
    articles = [ARTICLES[(rank + offset) % len(ARTICLES)] for offset in range(1 + rank % 3)]
    return SampleInvoice(
        number=f"{prefix}{rank:05}",
        seller=seller or SELLER,
        buyer=buyer or BUYERS[rank % len(BUYERS)],
        issue_date=issued,
        due_date=issued + timedelta(days=30),
        lines=tuple(
            Line(article.name, article.quantity + rank % 7, article.unit_price, article.vat_percent, article.unit)
            for article in articles
        ),
        process="S1" if articles[0].unit in ("HUR", "DAY") else "B1",
    )


def _luhn_digit(stem: str) -> str:
    doubled = (int(digit) * (2 if position % 2 == 0 else 1) for position, digit in enumerate(reversed(stem)))
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


ARTICLES = (
    Line("Conseil en organisation", Decimal(2), Decimal("780.00"), Decimal(20), "DAY"),
    Line("Ramettes de papier A4", Decimal(40), Decimal("4.35"), Decimal(20)),
    Line("Maintenance informatique", Decimal("3.5"), Decimal("95.00"), Decimal(20), "HUR"),
    Line("Guide des métiers, 12e édition", Decimal(3), Decimal("24.90"), Decimal("5.5")),
    Line("Transport de voyageurs", Decimal(1), Decimal("312.40"), Decimal(10)),
    Line("Café en grains, carton de 6 kg", Decimal(2), Decimal("71.16"), Decimal("5.5")),
    Line("Formation « facture électronique »", Decimal(1), Decimal("1250.00"), Decimal(20), "DAY"),
    Line("Chaise de bureau « Élan »", Decimal(4), Decimal("189.99"), Decimal(20)),
)

SELLER = company("Atelier Vauban SARL", "130", 1, "Lille", "59000")

BUYERS = (
    company("Boulangerie Lefèvre", "205", 1, "Rouen", "76000"),
    company("Garage du Parc", "203", 2, "Nantes", "44000"),
    company("Éditions du Rivage", "205", 3, "La Rochelle", "17000"),
    company("Clinique Saint-Roch", "211", 4, "Montpellier", "34000"),
    company("Menuiserie Durand & Fils", "205", 5, "Dijon", "21000"),
    company("Hôtel des Voyageurs", "204", 6, "Tours", "37000"),
    company("Pépinières de l'Aubrac", "203", 7, "Rodez", "12000"),
    company("Transports Kerjean", "211", 8, "Brest", "29200"),
    company("Coopérative des Crêtes", "205", 9, "Gap", "05000"),
    company("Imprimerie Nouvelle", "202", 10, "Metz", "57000"),
    company("Cabinet Œuvrard", "203", 11, "Lyon", "69002"),
    company("Fromagerie du Haut-Doubs", "205", 12, "Pontarlier", "25300"),
)
"""Buyers that accept what they get, each as far as the first three digits of its SIREN say."""

DIFFICULT_BUYERS = {
    "206": company("Brasserie du Port", "206", 13, "Dunkerque", "59140"),
    "207": company("Scierie des Trois Vallées", "207", 14, "Annecy", "74000"),
    "208": company("Mairie de Sainte-Colombe", "208", 15, "Sainte-Colombe", "77650"),
    "210": company("Galerie Montaigne", "210", 16, "Paris", "75008"),
    "213": company("Atelier du Cuir", "213", 17, "Limoges", "87000"),
    "404": company("Ferme des Tilleuls", "404", 18, "Albi", "81000"),
}
"""Approves in part, disputes, suspends, refuses, its platform rejects, no platform receives for it."""

UNKNOWN_BUYER = company("Société Introuvable", "999", 99, "Nulleville", "99999")
"""Left out of every directory on purpose: the platform has no route to it."""
