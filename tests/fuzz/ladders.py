"""What an answer to a deposit means, at each kind of platform: never more than it says.

An answer that is no error in the platform's own words proves nothing, and least of all that nothing was deposited.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from requests.structures import CaseInsensitiveDict

from facteur.documents.store import FetchedDocument
from facteur.domain.submission import Accepted, Rejected
from facteur.errors import NotDepositedError, OutcomeUnknownError
from facteur.platforms import ladder
from facteur.platforms.afnor import ladder as afnor
from facteur.platforms.http import LONGEST_WAIT_SECONDS, HttpAnswer
from facteur.platforms.superpdp import ladder as superpdp
from tests.fuzz.canned import adapter, names_in, tried
from tests.fuzz.target import Planted, Target, answered, sample

STATUSES = (200, 201, 202, 204, 206, 302, 400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 501, 503, 504)
TYPES = (
    "application/json",
    "text/html; charset=nonsense",
    "application/json; charset=utf-16",
    "",
    "text/plain; charset=latin-1",
)
WAITS = ("", "120", "-1", "9" * 400, "Mon, 12 Oct 2099 08:15:30 GMT", "١٢٣", "soon")
KEY = "0198c0de-77aa-7000-8000-0000000c0ffe"
DOCUMENT = FetchedDocument(
    "F-2026-0042.xml", "application/xml", 4, hashlib.sha256(b"<a/>").hexdigest(), b"<a/>", "F-2026-0042"
)
NOTHING_THERE = sample({"data": [], "results": []})
GATEWAYS = (
    *map(sample, ({"message": "no"}, {"error": "no"}, {"errorMessage": "no"}, {"code": "x", "message": "y"})),
    b"<html>",
    b"",
)


@dataclass(frozen=True, slots=True)
class Said:
    """What docs/platforms.md says of a ladder. `names`: an error of the platform's own has one of them; `an_id`: so has a deposit."""

    names: frozenset[str]
    an_id: str
    refused: frozenset[int] = frozenset({400, 413, 415, 422})
    not_deposited: frozenset[int] = frozenset({401, 403, 404, 429})
    whatever_it_holds: frozenset[int] = frozenset()
    secret: Mapping[str, Any] = field(default_factory=dict)


IOPOLE_ERROR = frozenset({"statusMessage", "message", "error", "error_description", "errorMessage", "errorCode", "title", "detail",
                          "details", "code", "errors"})  # fmt: skip
PLATFORMS = {
    "iopole": Said(IOPOLE_ERROR, "id", whatever_it_holds=frozenset({413}),
                   secret={"base_url": "https://api.example", "auth_url": "https://auth.example"}),
    # a refusal that is of the invoice's seller is about no deposit
    "superpdp": Said(frozenset({"http_status_code"}), "id", not_deposited=frozenset({400, 401, 403, 404, 422, 429})),
    "afnor": Said(frozenset({"errorCode"}), "flowId", not_deposited=frozenset({401, 403, 404, 429, 501}),
                  secret={"flow_url": "https://api.example/flow", "token_url": "https://auth.example/token", "sandbox": None}),
}  # fmt: skip


def answer_of(data: bytes) -> HttpAnswer:
    """An answer with this body; the rest of it by the dice, which the body decides."""
    dice = random.Random(zlib.crc32(data))  # noqa: S311  a body must give the same answer again
    headers = {"Content-Type": dice.choice(TYPES), "Retry-After": dice.choice(WAITS)}
    return HttpAnswer(dice.choice(STATUSES), CaseInsensitiveDict(headers), data, dice.random() < 0.8)


def meaning_of(name: str, data: bytes) -> object:
    """What an adapter makes of an answer to a deposit, where its look-up shows nothing."""
    said, answer, deposits = PLATFORMS[name], answer_of(data), list[str]()

    def answer_to(method: str, path: str) -> HttpAnswer:
        if method == "POST" and not path.endswith("/search"):
            deposits.append(path)
            return answer
        return answered(NOTHING_THERE)

    found = tried(lambda: adapter(name, answer_to, **said.secret).deposit(DOCUMENT, KEY, lambda: None))
    _check(said, answer, found)
    in_its_own_words = bool(said.names & names_in(data))
    assert len(deposits) == 1 or (answer.status == 401 and (in_its_own_words or not answer.whole_body_sent)), (
        "sent twice"
    )
    return found.problem if isinstance(found, NotDepositedError | OutcomeUnknownError) else found


def _check(said: Said, answer: HttpAnswer, found: object) -> None:
    names = names_in(answer.body)
    spoken = bool(said.names & names)
    if isinstance(found, Accepted):
        may_be = answer.whole_body_sent and said.an_id in names
        assert answer.status in ({200, 201, 202} if may_be else ()), "deposited, out of nothing"
    elif isinstance(found, Rejected):
        whatever = answer.status in said.whatever_it_holds
        assert whatever or (answer.status in said.refused and spoken), "refused, out of nothing"
    elif isinstance(found, NotDepositedError):
        early = not answer.whole_body_sent and answer.status >= ladder.REDIRECT
        assert early or (answer.status in said.not_deposited and spoken), "not deposited, out of nothing"
    else:
        assert isinstance(found, OutcomeUnknownError), f"a deposit ended as {type(found).__name__}"
    waits = getattr(found, "retry_after_seconds", None)
    assert waits is None or 0 <= waits <= LONGEST_WAIT_SECONDS


REFUSAL = {
    "statusMessage": "Request validation issues", "code": "custom",
    "details": [{"code": "custom", "message": "m", "path": ["a"], "schematronValidationErrors": [{"id": "BR-1", "text": "t"}]}],
}  # fmt: skip
TARGETS = (
    Target("Iopole: deposits", partial(meaning_of, "iopole"), (sample({"type": "INVOICE", "id": "01a2"}), sample(REFUSAL), *GATEWAYS),
           (), Planted(ladder.Ladder.meaning_of, "meaning is Meaning.NOT_DEPOSITED or", "meaning is not Meaning.DEPOSITED or")),
    Target("SUPER PDP: deposits", partial(meaning_of, "superpdp"),
           (sample({"id": 4_000_000_001, "direction": "out", "events": []}), sample({"http_status_code": 400, "message": "no"}), *GATEWAYS),
           (), Planted(superpdp.in_its_own_words, "isinstance(status, int) and", "")),
    Target("AFNOR: deposits", partial(meaning_of, "afnor"),
           (sample({"flowId": "i_4711", "name": "a.xml"}), sample({"errorCode": "E", "errorMessage": "no"}), *GATEWAYS),
           (), Planted(afnor.in_its_own_words, "isinstance(code, str) and bool(foreign.code(code)) and", "")),
)  # fmt: skip
