"""What an answer to POST /v1/invoice means: one ladder. docs/reliability.md has the same table, and a test holds them equal."""

from __future__ import annotations

from typing import Any

from facteur.platforms import foreign
from facteur.platforms.answers import error_words
from facteur.platforms.ladder import Ladder, Meaning, Rung

SEEN_ERROR_FIELDS = frozenset({"statusMessage", "details", "code"})  # in every error of Iopole's API that was published


def in_its_own_words(body: Any) -> bool:
    """Whether an error is certainly Iopole's own, and not of something between it and us.

    `{}`, `{"message": …}` and `{"error": …}` are what API gateways, firewalls and login adapters write; a field that none of
    Iopole's errors was seen with makes it anybody's, too.
    """
    if not isinstance(body, dict) or not SEEN_ERROR_FIELDS.issuperset(body):
        return False
    details = body.get("details")
    first = details[0] if isinstance(details, list) and details else details
    issue = first if isinstance(first, dict) else {}
    return _spoken(body.get("statusMessage")) or (_spoken(issue.get("code")) and _spoken(issue.get("message")))


def _spoken(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def deposit_id(body: Any) -> str | None:
    """The id of a new deposit; None where there is none that could be kept and shown."""
    found = body.get("id") if isinstance(body, dict) else None
    return foreign.identifier(found) if isinstance(found, str) else None


LADDER = Ladder((
    Rung((200, 201, 202), "an id", lambda body: deposit_id(body) is not None, Meaning.DEPOSITED),
    Rung((413,), "anything", lambda _body: True, Meaning.REFUSED),
    Rung((400, 415, 422), "a JSON object that names an error", lambda b: error_words(b) != (None, None), Meaning.REFUSED),
    Rung((401, 403, 404, 429), "an error in the platform's own JSON", in_its_own_words, Meaning.NOT_DEPOSITED),
), deposit_id)  # fmt: skip
