"""Iopole's operator API."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import quote

from facteur.domain.doubt import Candidate, Question, Shown
from facteur.domain.ports import Document
from facteur.domain.status_updates import Page
from facteur.domain.submission import Answer, StatusEvent
from facteur.errors import PlatformBusyError, Problem
from facteur.platforms.answers import copy_hash, expect, is_busy, listed, refusal
from facteur.platforms.authorised import AuthorisedClient
from facteur.platforms.foreign import entries
from facteur.platforms.http import LONGEST_ANSWER_BYTES, HttpAnswer, HttpClient
from facteur.platforms.iopole import directory
from facteur.platforms.iopole.capabilities import CAPABILITIES
from facteur.platforms.iopole.ladder import LADDER, in_its_own_words
from facteur.platforms.iopole.look_ups import IopoleLookUps
from facteur.platforms.iopole.reading import status_event
from facteur.platforms.iopole.statuses import WITH_NUMBERS, WITH_STATUS, Searched, page_of, unseen_statuses
from facteur.platforms.multipart import SingleFileBody
from facteur.platforms.oauth import BearerToken
from facteur.platforms.port import Capabilities, NotOffered

TOKEN_PATH = "/realms/iopole/protocol/openid-connect/token"  # noqa: S105  a path
LONGEST_DOCUMENT_BYTES = 60_000_000  # a copy of what was deposited, 50 MB at most
SEEN = frozenset({200, 201, 204, 404})  # 404: there is nothing to acknowledge any more
SHA256 = re.compile(r"[0-9a-f]{64}")  # a checksum of another kind says nothing


class Iopole(NotOffered):
    """The port Platform, for one account."""

    def __init__(self, client: HttpClient, token: BearerToken, *, sandbox: bool) -> None:
        self._api, self._sandbox = AuthorisedClient(client, token, in_its_own_words), sandbox
        self._searched = Searched(self._search, WITH_STATUS)
        self._look_ups = IopoleLookUps(self._search)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def sandbox(self) -> bool:
        return self._sandbox

    def begin_invocation(self, stop_at: float) -> None:
        self._api.begin_invocation(stop_at)

    def obtain_token(self) -> None:
        self._api.obtain_token()

    def probe(self) -> datetime | None:
        return self._look_ups.dated_at()

    def deposit(self, document: Document, own_key: str | None, before_block: Callable[[], None]) -> Answer:
        with document.open() as file:
            body = SingleFileBody("file", document.file_name, document.content_type, file, document.size, before_block)
            return LADDER.meaning_of(self._api.call("POST", "/v1/invoice", body=body, understood=LADDER.is_accepted))

    def find(self, invoice_number: str) -> list[Candidate]:
        return list(self._look_ups.find(invoice_number))

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        return self._look_ups.shown(questions)

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        return self._look_ups.shown_alone(questions)

    def answers_what_is_asked(self) -> bool:
        return self._look_ups.answers_what_is_asked()

    def sha256_of(self, platform_id: str) -> str | None:
        files = self._copy(platform_id, "files", LONGEST_ANSWER_BYTES)
        found = entries(files.json()) if files else []
        sums = [str(file["checksum"]).lower() for file in found if isinstance(file, dict) and file.get("checksum")]
        if len(sums) == 1 and SHA256.fullmatch(sums[0]):
            return sums[0]
        copy = self._copy(platform_id, "download", LONGEST_DOCUMENT_BYTES)
        if copy is None:
            return None
        return copy_hash(copy)

    def history(self, platform_id: str) -> list[StatusEvent]:
        answer = self._api.call("GET", f"/v1/invoice/{_in_path(platform_id)}/status-history")
        if answer.status == 404 and answer.body and answer.json() is None:
            raise PlatformBusyError(Problem("platform_unavailable", "no platform's answer to a history", 404))
        entries = listed(expect(answer, (list, dict), absent=[]))  # a young deposit has no history yet
        return [status_event(entry, platform_id) for entry in entries if isinstance(entry, dict)]

    def shown_between(self, since: datetime, until: datetime, offset: int, *, with_numbers: bool) -> Page | None:
        answered = self._searched.between(since, until, offset, WITH_NUMBERS if with_numbers else None)
        return page_of(answered) if answered else None

    def shown_under(self, numbers: Sequence[str], offset: int, *, with_numbers: bool) -> Page:
        return page_of(self._searched.under(numbers, offset, WITH_NUMBERS if with_numbers else None))

    def not_seen(self) -> tuple[list[StatusEvent], bool]:
        return unseen_statuses(self._api.call("GET", "/v1/invoice/status/notSeen"))

    def acknowledge(self, event: StatusEvent) -> bool:
        if event.raw.get("statusId") is None:
            return False
        answer = self._api.call("PUT", f"/v1/invoice/status/{_in_path(event.status_id)}/markAsSeen")
        if answer.status not in SEEN:
            raise refusal(answer)
        return True

    def _copy(self, platform_id: str, of: str, longest_bytes: int) -> HttpAnswer | None:
        """What is kept of one deposit. A refusal is about that one, not the account: then none is shown, and a person compares."""
        answer = self._api.call("GET", f"/v1/invoice/{_in_path(platform_id)}/{of}", longest_bytes=longest_bytes)
        if is_busy(answer.status):
            raise refusal(answer)
        return answer if answer.status == 200 else None

    def active_webhooks(self) -> int | None:
        return directory.active_webhooks(self._get("/v1/config/webhook", {}))

    def reachable(self, siren: str) -> bool | None:
        return directory.reachable(self._get("/v1/directory/french", {"q": f'siren:"{siren}"', "limit": "10"}))

    def _search(self, params: dict[str, str]) -> HttpAnswer:
        return self._get("/v1.1/invoice/search", params)

    def _get(self, path: str, params: dict[str, str]) -> HttpAnswer:
        return self._api.call("GET", path, params=params)


def _in_path(platform_id: str) -> str:
    return quote(platform_id, safe="")
