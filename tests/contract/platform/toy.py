"""A whole adapter for a platform that does not exist: what docs/add-a-platform.md is shown with. Its API is in toy_server.py."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from facteur.domain.document_kind import extension_of
from facteur.domain.doubt import Candidate, Question, Shown
from facteur.domain.identity import plain
from facteur.domain.lifecycle import label_of
from facteur.domain.ports import Document
from facteur.domain.submission import Answer, StatusEvent
from facteur.errors import PlatformBusyError, Problem, UnreadableCopyError
from facteur.platforms import foreign
from facteur.platforms.answers import dated, expect, is_busy, refusal
from facteur.platforms.authorised import AuthorisedClient
from facteur.platforms.credentials import OAUTH_KEYS, credentials_from
from facteur.platforms.http import HttpAnswer
from facteur.platforms.ladder import Ladder, Meaning, Rung
from facteur.platforms.multipart import SingleFileBody
from facteur.platforms.oauth import BearerToken
from facteur.platforms.port import Capabilities, NotOffered, Platform, Provider, Wiring


def own_words(body: Any) -> bool:
    """The toy writes `{"code": "TOY…", "message": "…"}` and nothing else."""
    found = foreign.fields(body)
    return (
        set(found) == {"code", "message"} and str(found["code"]).startswith("TOY") and isinstance(found["message"], str)
    )


def deposit_id(body: Any) -> str | None:
    return foreign.identifier(foreign.fields(body).get("document"))


LADDER = Ladder((
    Rung((201,), "an id", lambda body: deposit_id(body) is not None, Meaning.DEPOSITED),
    Rung((422,), "an error in the toy's own JSON", own_words, Meaning.REFUSED),
    Rung((401, 403, 404, 429), "an error in the toy's own JSON", own_words, Meaning.NOT_DEPOSITED),
), deposit_id)  # fmt: skip


class Toy(NotOffered):
    """The port Platform, for one account."""

    def __init__(self, api: AuthorisedClient, *, sandbox: bool) -> None:
        self._api, self._sandbox = api, sandbox

    @property
    def capabilities(self) -> Capabilities:
        return TOY.capabilities

    @property
    def sandbox(self) -> bool:
        return self._sandbox

    def begin_invocation(self, stop_at: float) -> None:
        self._api.begin_invocation(stop_at)

    def obtain_token(self) -> None:
        self._api.obtain_token()

    def probe(self) -> datetime | None:
        return dated(self._search([_nobodys_number()])[1])

    def deposit(self, document: Document, own_key: str | None, before_block: Callable[[], None]) -> Answer:
        with document.open() as file:
            body = SingleFileBody("file", document.file_name, document.content_type, file, document.size, before_block)
            return LADDER.meaning_of(self._api.call("POST", "/documents", body=body, understood=LADDER.is_accepted))

    def find(self, invoice_number: str) -> list[Candidate]:
        return self._search([invoice_number])[0]

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        """Numbers and witnesses as one query: this platform reads all of it."""
        numbers = {number for each in questions for number in (*each.numbers, *_numbers(each))}
        found, answer = self._search([*sorted(numbers), _nobodys_number()])
        return [_of_question(each, found, answer) for each in questions]

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        return [self._alone(each) for each in questions]

    def answers_what_is_asked(self) -> bool:
        return not self._search([_nobodys_number()])[0]

    def sha256_of(self, platform_id: str) -> str | None:
        answer = self._api.call("GET", f"/documents/{quote(platform_id, safe='')}/content")
        if is_busy(answer.status):
            raise refusal(answer)
        if answer.status != 200:
            return None
        if extension_of(answer.body) is None:
            raise UnreadableCopyError
        return hashlib.sha256(answer.body).hexdigest()

    def history(self, platform_id: str) -> list[StatusEvent]:
        answer = self._api.call("GET", f"/documents/{quote(platform_id, safe='')}/states")
        entries = _list(answer, "states")
        return [_event(each, platform_id) for each in entries if isinstance(each, dict)]

    def _alone(self, question: Question) -> Shown:
        """Each number by itself, between two answers that show the same witness."""
        before = _of_question(question, *self._search(_numbers(question)[:1]))
        found = [each for number in question.numbers for each in self._search([number])[0]]
        after, answer = self._search(_numbers(question)[:1])
        between = _of_question(question, [*found, *after], answer)
        return replace(between, witnesses=between.witnesses & before.witnesses)

    def _search(self, numbers: Iterable[str]) -> tuple[list[Candidate], HttpAnswer]:
        answer = self._api.call("GET", "/documents", params={"numbers": "\n".join(numbers)})
        found = [_candidate(each) for each in map(foreign.fields, _list(answer, "documents"))]
        if any(not each.platform_id for each in found):
            raise PlatformBusyError(Problem("unreadable_answer", "the platform shows a deposit without its id", 200))
        return found, answer


def _list(answer: HttpAnswer, name: str) -> list[Any]:
    """What has no list in this place is no empty one."""
    entries = expect(answer, dict).get(name)
    if not isinstance(entries, list):
        raise refusal(answer)
    return entries


def _nobodys_number() -> str:
    """New each time: a question with it is in no cache."""
    return f"facteur-{secrets.token_hex(8)}"


def _numbers(question: Question) -> list[str]:
    return [each.invoice_number for each in question.witnesses]


def _of_question(question: Question, found: Sequence[Candidate], answer: HttpAnswer) -> Shown:
    wanted = {each.platform_id for each in question.witnesses}
    standing = [each for each in found if each.platform_id in wanted and not each.refused]
    # what shows no number, or another spelling, may be ours: one too many is compared, one too few is sent a second time
    wanted_numbers = {"", *map(plain, question.numbers)}
    candidates = tuple(each for each in found if plain(each.invoice_number) in wanted_numbers)
    sellers = frozenset(each.seller_siren for each in standing if each.seller_siren)
    return Shown(candidates, frozenset(each.platform_id for each in standing), dated(answer), sellers)


def _candidate(entry: Mapping[str, Any]) -> Candidate:
    return Candidate(
        foreign.identifier(entry.get("document")) or "", foreign.moment(entry.get("received_at")), entry.get("refused") is True,
        foreign.word(entry.get("seller")), foreign.amount(entry.get("total")), foreign.word(entry.get("currency")),
        foreign.number(entry.get("number")),
    )  # fmt: skip


def _event(entry: Mapping[str, Any], platform_id: str) -> StatusEvent:
    code = foreign.code(entry.get("code")) or "UNKNOWN"
    return StatusEvent(
        status_id=f"{code} {foreign.word(entry.get('at'))}", platform_id=platform_id, code=code, platform_code=code,
        network_code=None, label=label_of(code), occurred_at=foreign.moment(entry.get("at")),
        date_given=foreign.word(entry.get("at")), caused_by=None, audience=None, reason=None,
        message=foreign.word(entry.get("why")), raw={name: foreign.word(entry.get(name)) for name in ("code", "at")},
    )  # fmt: skip


def _build(wiring: Wiring) -> Platform:
    token = BearerToken(wiring.client(wiring.address.auth_url), "/token", wiring.credentials, wiring.named_in)
    api = AuthorisedClient(wiring.client(wiring.address.base_url), token, own_words)
    return Toy(api, sandbox=wiring.sandbox)


TOY = Provider(
    name="toy",
    capabilities=Capabilities(statuses=("history",), longest_document=1_000_000),
    production_hosts=frozenset({"api.toy.example"}),
    sandbox_hosts=frozenset({"127.0.0.1"}),
    address_settings=None,  # its secrets name their own
    secret_keys=OAUTH_KEYS,
    read_secret=partial(credentials_from, headers={}),
    build=_build,
)
