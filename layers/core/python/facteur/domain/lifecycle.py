"""The French life cycle of an invoice (cycle de vie): codes, labels, and which of them end it.

Source: DGFiP, Dossier de spécifications externes v3.2, table 8; FNFE-MPE schematron BR-FR-CDV V1.4.0.
"""

from __future__ import annotations

LABELS = {
    "200": "Déposée",
    "201": "Émise par la plateforme",
    "202": "Reçue par la plateforme",
    "203": "Mise à disposition",
    "204": "Prise en charge",
    "205": "Approuvée",
    "206": "Approuvée partiellement",
    "207": "En litige",
    "208": "Suspendue",
    "209": "Complétée",
    "210": "Refusée",
    "211": "Paiement transmis",
    "212": "Encaissée",
    "213": "Rejetée",
    "214": "Visée",
    "220": "Annulée",
    "221": "Erreur de routage",
    "224": "Demande de paiement direct",
    "225": "Affacturée",
    "226": "Affacturée confidentiel",
    "227": "Changement de compte à payer",
    "228": "Non affacturée",
    "501": "Irrecevable",
}
REJECTING = frozenset({"213", "501"})  # a platform refused it: the invoice was not issued
CLOSING = frozenset({"210", "220"})  # the life cycle is over; 212 is not here, it repeats
ENDING = REJECTING | CLOSING
# What the buyer says, or follows from what he says: after it no platform can have refused the invoice.
BUYERS = frozenset({"204", "205", "206", "207", "208", "209", "210", "211", "214"})
# Verdicts of which only one can be true at an instant; 200 to 204 may well share one.
VERDICTS = REJECTING | CLOSING | {"205", "206", "207", "208"}
# Of a rejection, in the reform's words (DOUBLON, REJ_UNI) and those that platforms have of their own; all say "already there".
# Words of a list that nobody closed: what matters is what they say, however they are spelled.
DUPLICATE_STEMS = ("DUPLICAT", "DOUBLON", "REJUNI", "ALREADYDEPOSITED", "ALREADYEXIST")


# A platform's word that a file is good, and not only that it came: then no later word about its number calls it a duplicate.
GOOD_FILE = "file:ok"


def is_step(code: str) -> bool:
    """Whether a code is a platform's own word for a step of its work, as `ppf:received`: kept, and no status of the invoice."""
    return ":" in code


def says_duplicate(word: str | None) -> bool:
    """Whether a code or reason says that the platform has this invoice already."""
    letters = "".join(filter(str.isalpha, (word or "").upper()))
    return any(stem in letters for stem in DUPLICATE_STEMS)


def in_words(code: str) -> str:
    """`205 Approuvée`; an unknown code stands alone."""
    return f"{code} {LABELS[code]}" if code in LABELS else code


def label_of(code: str) -> str:
    """The French name of a code; an unknown code is its own name."""
    return LABELS.get(code, code)
