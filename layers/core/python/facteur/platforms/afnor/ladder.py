"""What an answer to POST /v1/flows means: one ladder. docs/platforms.md has the same table, and a test holds them equal.

Sources: the norm's OpenAPI 1.2.0 and 1.3.0 (`Error`, 202, 400 to 503), and what public projects wrote of real platforms. A 501 in a
platform's own words says that it does not take an argument of ours: nothing was deposited, and no other invoice would be.
"""

from __future__ import annotations

from typing import Any

from facteur.platforms import foreign
from facteur.platforms.afnor.capabilities import LONGEST_ID
from facteur.platforms.ladder import Ladder, Meaning, Rung

NOT_TAKEN = 501


def in_its_own_words(body: Any) -> bool:
    """`{"errorCode": "PARAMS_ERROR", "errorMessage": "…"}`: names that gateways do not write. Only the first is required."""
    found = foreign.fields(body)
    code, words = found.get("errorCode"), found.get("errorMessage")
    return isinstance(code, str) and bool(foreign.code(code)) and isinstance(words, str | None)


def deposit_id(body: Any) -> str | None:
    """The id of a new flow; None where there is none that could be kept and shown."""
    found = foreign.identifier(foreign.fields(body).get("flowId"))
    return found if found is not None and len(found) <= LONGEST_ID else None


LADDER = Ladder((
    Rung((200, 201, 202), "a `flowId` of at most 64 characters", lambda body: deposit_id(body) is not None, Meaning.DEPOSITED),
    Rung((400, 413, 415, 422), "an error in the platform's own JSON", in_its_own_words, Meaning.REFUSED),
    Rung((401, 403, 404, 429, 501), "an error in the platform's own JSON", in_its_own_words, Meaning.NOT_DEPOSITED),
), deposit_id)  # fmt: skip
