"""The names under which back offices keep the parts of an invoice, the likeliest first. Compared without case and underscores."""

from __future__ import annotations

from collections.abc import Mapping

from facteur.install.model import Column, Table

WORDS = frozenset({"invoice", "invoices", "facture", "factures"})
# A table with such a word keeps something else than the invoices that a company sends.
OTHER_WORDS = frozenset((
    "achat", "archive", "archives", "attachment", "attachments", "audit", "backup", "document", "documents", "draft",
    "drafts", "event", "events", "fournisseur", "historique", "history", "item", "items", "ligne", "lignes", "line",
    "lines", "log", "logs", "old", "paiement", "payment", "payments", "purchase", "purchases", "status", "statuses",
    "statut", "statuts", "supplier", "suppliers", "tax", "taxes", "temp", "template", "tmp", "vendor",
))  # fmt: skip
PARTS: Mapping[str, tuple[str, ...]] = {
    "number": ("invoice_number", "numero_facture", "num_facture", "facture_numero", "invoice_no", "numero", "number", "reference", "ref"),
    "date": ("issue_date", "date_emission", "emission_date", "invoice_date", "date_facture", "issued_on", "issued_at", "date",
             "emise_le", "finalized_at", "created_at", "date_creation", "cree_le"),
    "seller": ("seller_siren", "siren_emetteur", "siren_vendeur", "issuer_siren", "siren", "seller_siret", "siret_emetteur",
               "siret_vendeur", "siret", "seller_legal_identifier", "legal_identifier", "identifiant_legal"),
    "seller_id": ("seller_id", "emetteur_id", "vendeur_id", "issuer_id", "company_id", "societe_id", "entity_id"),
    "total": ("total_ttc", "montant_ttc", "total_with_tax", "total_incl_tax", "gross_total", "total_amount", "amount_total",
              "montant_total", "total", "montant"),
    "currency": ("currency", "currency_code", "devise", "code_devise"),
    "document": ("document_uri", "document_url", "document", "factur_x", "facturx", "pdf", "fichier", "contenu"),
    "status": ("status", "statut", "state", "etat", "invoice_status"),
    "technical_status": ("technical_status", "statut_technique"),
    "submission_id": ("submission_id", "depot_id"),
    "last_technical_update": ("last_technical_update", "maj_technique"),
    "business_status": ("business_status",),
}  # fmt: skip
FINAL_VALUES = (
    "final",
    "finalized",
    "finalised",
    "issued",
    "validee",
    "validée",
    "validated",
    "emise",
    "émise",
    "definitive",
    "définitive",
)
KEY_KINDS = frozenset({"int2", "int4", "int8", "uuid", "text", "varchar", "bpchar"})  # what facteur.watch takes
TEXT_KINDS = frozenset({"text", "varchar", "bpchar"})
DATE_KINDS = frozenset({"date", "timestamp", "timestamptz"})
ID_LENGTH = 36  # of the platforms' ids
STATUS_LENGTH = 9  # of "validated"


def plain(name: str) -> str:
    return name.replace("_", "").casefold()


def likely_final(column: Column) -> tuple[str, ...]:
    """The one known value that most likely means: finished."""
    by_name = {each.casefold(): each for each in column.values}
    return tuple(by_name[each] for each in FINAL_VALUES if each in by_name)[:1]


def known(table: Table, part: str) -> list[Column]:
    """The table's columns that are named like a part, the likeliest first."""
    by_name = {plain(each.name): each for each in table.columns}
    return [by_name[plain(name)] for name in PARTS[part] if plain(name) in by_name]
