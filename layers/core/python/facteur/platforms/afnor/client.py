"""A platform with the API of AFNOR XP Z12-013, 1.2 or 1.3: one account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from facteur.domain.document_kind import extension_of
from facteur.domain.doubt import Candidate, Question, Shown
from facteur.domain.ports import Document
from facteur.domain.status_updates import FeedPage, Page
from facteur.domain.submission import Answer, Rejected, StatusEvent
from facteur.errors import (
    AccountRefusedError,
    PlatformBusyError,
    UnreadableStatusError,
)
from facteur.platforms import foreign
from facteur.platforms.afnor.capabilities import CAPABILITIES, LONGEST_NAME
from facteur.platforms.afnor.cdar import Message, message_in
from facteur.platforms.afnor.company import Company
from facteur.platforms.afnor.feed import Feed
from facteur.platforms.afnor.flows import Flows
from facteur.platforms.afnor.ladder import LADDER, NOT_TAKEN, in_its_own_words
from facteur.platforms.afnor.look_ups import LATELY, WITHOUT_ID, LookUps
from facteur.platforms.afnor.reading import acknowledgement_of, flow_in
from facteur.platforms.answers import copy_hash, expect, is_busy, problem, refusal
from facteur.platforms.authorised import AuthorisedClient
from facteur.platforms.credentials import Credentials
from facteur.platforms.http import HttpAnswer, HttpClient
from facteur.platforms.ladder import unless_there
from facteur.platforms.multipart import BLOCK_BYTES, SingleFileBody
from facteur.platforms.oauth import BearerToken
from facteur.platforms.port import Capabilities, NotOffered

FILE = "application/octet-stream"
LONGEST_DOCUMENT_BYTES = 110_000_000  # a copy of what was deposited
LONGEST_MESSAGE_BYTES = 17_000_000
NOT_OFFERED = frozenset({400, 403, 404, 501})
NO_LINE, PARTIAL = 204, 206


class Afnor(NotOffered):
    """The port Platform, for one account."""

    def __init__(
        self,
        flow: HttpClient,
        directory: HttpClient | None,
        company: Company | None,
        token: BearerToken,
        credentials: Callable[[bool], Credentials],
        *,
        sandbox: bool,
    ) -> None:
        """`directory`: None where the account's secret names none; `company`: where the addresses say which environment it is."""
        self._credentials = credentials
        self._api = AuthorisedClient(flow, token, in_its_own_words)
        self._directory = AuthorisedClient(directory, token, in_its_own_words) if directory else None
        self._sandbox, self._company, self._flows = sandbox, company, Flows(self._api)
        self._look_ups, self._feed = LookUps(self._flows), Feed(self._flows, self._message)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def sandbox(self) -> bool:
        return self._sandbox

    def begin_invocation(self, stop_at: float) -> None:
        for api in (self._api, self._directory, self._company):
            if api is not None:
                api.begin_invocation(stop_at)

    def obtain_token(self) -> None:
        self._api.obtain_token()
        if self._company:
            self._company.agree()

    def probe(self) -> datetime | None:
        """A search, for the health check answers without a token as well."""
        if self._company:
            self._company.agree()
        return self._flows.under_nobodys().dated_at

    def deposit(self, document: Document, own_key: str | None, before_block: Callable[[], None]) -> Answer:
        rule = self._credentials(False).processing_rule
        with document.open() as file:
            said = {"flowInfo": _flow_info(document, own_key, rule, file.read(BLOCK_BYTES))}
            body = SingleFileBody(
                "file", document.file_name, document.content_type, file, document.size, before_block, said
            )
            answer = self._api.call("POST", "/v1/flows", body=body, understood=LADDER.is_accepted)
        try:
            meant = LADDER.meaning_of(answer)
        except PlatformBusyError:
            if answer.status != NOT_TAKEN:
                raise
            named = f" (processing_rule {rule} in the secret: remove it)" if rule else ""
            words = f"the platform does not take what every deposit is sent with{named}"
            raise AccountRefusedError(problem(answer, "not_implemented", words)) from None
        return self._refused(answer, meant, own_key) if isinstance(meant, Rejected) else meant

    def find(self, invoice_number: str) -> list[Candidate]:
        """By the names of files that were sent in a month: the search has no numbers."""
        return self._look_ups.named(invoice_number, datetime.now(UTC) - LATELY)

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        return self._look_ups.shown(questions)

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        return self._look_ups.shown_alone(questions)

    def answers_what_is_asked(self) -> bool:
        return not self._flows.under_nobodys().flows

    def sha256_of(self, platform_id: str) -> str | None:
        answer = self._original(platform_id, LONGEST_DOCUMENT_BYTES)
        if answer.status != 200:
            return None
        return copy_hash(answer)

    def history(self, platform_id: str) -> list[StatusEvent]:
        """The acknowledgement: what else happened stands in messages that do not name their deposit, and comes by the feed alone."""
        body = expect(self._api.call("GET", f"/v1/flows/{quote(platform_id, safe='')}?docType=Metadata"), dict)
        flow = flow_in(body)
        if flow.flow_id is None or not isinstance(body.get("acknowledgement"), dict):
            raise PlatformBusyError(WITHOUT_ID)
        event = acknowledgement_of(flow)
        return [event] if event else []

    def feed(self, cursor: str | None, since: datetime, may_ask: Callable[[], bool]) -> FeedPage:
        return self._feed.page(cursor, since, may_ask)

    def nobodys(self, status_ids: Collection[str]) -> None:
        self._feed.read_in_vain(status_ids)

    def listed(self, since: datetime, later: str | None, before_call: Callable[[], None]) -> Page | None:
        """By the dates on which flows changed: there is no other order, and `later` says nothing in it."""
        return self._look_ups.sent_since(since, before_call)

    def reachable(self, siren: str) -> bool | None:
        if self._directory is None:
            return None
        sent = {"filters": {"siren": {"op": "strict", "value": siren}}, "limit": 100}
        answer = self._directory.call("POST", "/v1/directory-line/search", sent=sent)
        if answer.status in NOT_OFFERED:
            return None
        if answer.status == NO_LINE:
            return False
        body = answer.json() if answer.status in {200, PARTIAL} else None
        if not isinstance(body, dict) or not isinstance(body.get("results"), list):
            raise refusal(answer)
        lines = map(foreign.fields, body["results"])
        return any((foreign.code(each.get("directoryLineStatus")) or "").casefold() == "enabled" for each in lines)

    def _refused(self, answer: HttpAnswer, meant: Rejected, own_key: str | None) -> Answer:
        """A key that is refused for being there already is found by it; its words alone decide nothing."""
        return unless_there(answer, meant, lambda: self._under(own_key)) if own_key else meant

    def _under(self, own_key: str) -> str | None:
        standing = [each for each in self._look_ups.by_key(own_key) if not each.refused]
        return standing[0].platform_id if standing else None

    def _original(self, flow_id: str, longest_bytes: int) -> HttpAnswer:
        """The file of a flow, or an answer that says that there is none; raises where there may be one later."""
        path = f"/v1/flows/{quote(flow_id, safe='')}?docType=Original"
        answer = self._api.call("GET", path, accept=FILE, longest_bytes=longest_bytes)
        if is_busy(answer.status):
            raise refusal(answer)
        return answer

    def _message(self, flow_id: str) -> Message:
        answer = self._original(flow_id, LONGEST_MESSAGE_BYTES)
        if answer.status == 401:
            raise refusal(answer)
        if answer.status != 200:
            raise UnreadableStatusError(f"its file is not given (HTTP {answer.status})")
        return message_in(answer.body, answer.blanked)


def _flow_info(document: Document, own_key: str | None, rule: str | None, begins: bytes) -> dict[str, Any]:
    """What is said of a file. A processing rule only where the secret has one: platforms work it out, and one answers 501 to any."""
    more = {name: value for name, value in (("trackingId", own_key), ("processingRule", rule)) if value}
    name = document.file_name[-LONGEST_NAME:]
    return more | {"name": name, "flowSyntax": _syntax(begins), "sha256": document.sha256}


def _syntax(begins: bytes) -> str:
    if extension_of(begins) == ".pdf":
        return "Factur-X"
    return "CII" if b"CrossIndustryInvoice" in begins.replace(b"\0", b"") else "UBL"
