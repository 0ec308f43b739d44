"""What an answer to POST /v1.beta/invoices means: one ladder. docs/reliability.md has the same table, and a test holds them equal.

Sources: SUPER PDP's OpenAPI 1.13 (`http_ko`, 200 and 400), and what public projects wrote of its sandbox up to October 2026.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from facteur.platforms import foreign
from facteur.platforms.ladder import Ladder, Meaning, Rung

DUPLICATE = ("DEJA CHARGE", "ALREADY UPLOADED", "ALREADY LOADED", "DUPLICATE")
OTHER_SELLER = (("CORRESPOND PAS", "VENDEUR"), ("NOT MATCH", "SELLER"), ("MISMATCH", "SELLER"))


def in_its_own_words(body: Any) -> bool:
    """`{"http_status_code": 400, "message": "…"}`: the number repeats the answer's, which no gateway writes."""
    found = foreign.fields(body)
    status = found.get("http_status_code")
    return isinstance(status, int) and not isinstance(status, bool) and bool(foreign.word(found.get("message")))


def deposit_id(body: Any) -> str | None:
    """The id of a new deposit: a whole number, in an invoice; None where there is none that could be kept and shown.

    A company has such a number as well, and its answer may be that to another call: an invoice has a direction (OpenAPI 1.13).
    """
    said = foreign.fields(body)
    found = said.get("id")
    usable = isinstance(found, int) and not isinstance(found, bool) and found > 0 and "direction" in said
    return foreign.identifier(found) if usable else None


def says_already_there(body: Any) -> bool:
    """Whether an error says that this file was deposited before. Its words may change: a look-up decides, and not they."""
    said = _said(body)
    return any(words in said for words in DUPLICATE)


def says_other_seller(body: Any) -> bool:
    """Whether an error says that the credentials are another company's than the invoice's seller."""
    said = _said(body)
    return any(all(word in said for word in words) for words in OTHER_SELLER)


def _said(body: Any) -> str:
    words = foreign.word(foreign.fields(body).get("message")) or ""
    return "".join(each for each in unicodedata.normalize("NFKD", words) if not unicodedata.combining(each)).upper()


LADDER = Ladder((
    Rung((200, 201, 202), "an invoice with a whole number as id", lambda body: deposit_id(body) is not None, Meaning.DEPOSITED),
    Rung((400, 413, 415, 422), "an error in the platform's own JSON", in_its_own_words, Meaning.REFUSED),
    Rung((401, 403, 404, 429), "an error in the platform's own JSON", in_its_own_words, Meaning.NOT_DEPOSITED),
), deposit_id)  # fmt: skip
