"""Iopole's operator API. Facts and how sure they are: the OpenAPI of October 2026 and what public projects saw live."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import quote

from facteur.document_kind import extension_of
from facteur.errors import PlatformBusyError, Problem
from facteur.model import Answer, Candidate, Question, Shown, StatusEvent
from facteur.platforms.answers import expect, is_busy, listed, refusal
from facteur.platforms.foreign import entries
from facteur.platforms.http import LONGEST_ANSWER_BYTES, HttpAnswer, HttpClient, speaks_json
from facteur.platforms.iopole.answers import in_its_own_words
from facteur.platforms.iopole.ladder import is_accepted, meaning_of_deposit
from facteur.platforms.iopole.look_ups import IopoleLookUps
from facteur.platforms.iopole.reading import status_event
from facteur.platforms.iopole.statuses import WITH_NUMBERS, searched_statuses, unseen_statuses
from facteur.platforms.multipart import SingleFileBody
from facteur.platforms.oauth import BearerToken
from facteur.ports import Document
from facteur.status_updates import Page

TOKEN_PATH = "/realms/iopole/protocol/openid-connect/token"  # noqa: S105  a path
LONGEST_DOCUMENT_BYTES = 60_000_000  # a copy of what was deposited, 50 MB at most
SEEN = frozenset({200, 201, 204, 404})  # 404: there is nothing to acknowledge any more
SHA256 = re.compile(r"[0-9a-f]{64}")  # a checksum of another kind says nothing
UNAUTHORISED = 401
NOBODYS_NUMBER = "facteur-nobody"


class Iopole:
    """The port Platform, for one account."""

    def __init__(self, client: HttpClient, token: BearerToken, *, sandbox: bool) -> None:
        self._client, self._token, self._sandbox = client, token, sandbox
        self._searched = searched_statuses(self.search)
        self._look_ups = IopoleLookUps(self.search)

    @property
    def sandbox(self) -> bool:
        return self._sandbox

    def begin_invocation(self, stop_at: float) -> None:
        """No call goes on after `stop_at` (monotonic)."""
        self._client.begin_invocation(stop_at)
        self._token.begin_invocation(stop_at)

    def obtain_token(self) -> None:
        self._token.authorisation()

    def probe(self) -> None:
        self._look_ups.find(NOBODYS_NUMBER)

    def search(self, params: dict[str, str]) -> HttpAnswer:
        return self.get("/v1.1/invoice/search", params)

    def get(self, path: str, params: dict[str, str]) -> HttpAnswer:
        return self._authorised("GET", path, params=params)

    def deposit(self, document: Document, before_block: Callable[[], None]) -> Answer:
        with document.open() as file:
            body = SingleFileBody("file", document.file_name, document.content_type, file, document.size, before_block)
            return meaning_of_deposit(self._authorised("POST", "/v1/invoice", body=body, understood=is_accepted))

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
        if copy is None or extension_of(copy.body) is None:
            return None  # also where it is a page: what nobody could have deposited is no other document either
        return hashlib.sha256(copy.body).hexdigest()

    def history(self, platform_id: str) -> list[StatusEvent]:
        answer = self._authorised("GET", f"/v1/invoice/{_in_path(platform_id)}/status-history")
        if answer.status == 404 and answer.body and answer.json() is None:
            raise PlatformBusyError(Problem("platform_unavailable", "no platform's answer to a history", 404))
        entries = listed(expect(answer, (list, dict), absent=[]))  # a young deposit has no history yet
        return [status_event(entry, platform_id) for entry in entries if isinstance(entry, dict)]

    def shown_between(self, since: datetime, until: datetime, offset: int, *, with_numbers: bool) -> Page | None:
        return self._searched.between(since, until, offset, WITH_NUMBERS if with_numbers else None)

    def shown_under(self, numbers: Sequence[str], offset: int, *, with_numbers: bool) -> Page:
        return self._searched.under(numbers, offset, WITH_NUMBERS if with_numbers else None)

    def not_seen(self) -> tuple[list[StatusEvent], bool]:
        return unseen_statuses(self._authorised("GET", "/v1/invoice/status/notSeen"))

    def acknowledge(self, event: StatusEvent) -> bool:
        if event.raw.get("statusId") is None:
            return False
        answer = self._authorised("PUT", f"/v1/invoice/status/{_in_path(event.status_id)}/markAsSeen")
        if answer.status not in SEEN:
            raise refusal(answer)
        return True

    def _copy(self, platform_id: str, of: str, longest_bytes: int) -> HttpAnswer | None:
        """What is kept of one deposit. A refusal is about that one, not the account: then none is shown, and a person compares."""
        answer = self._authorised("GET", f"/v1/invoice/{_in_path(platform_id)}/{of}", longest_bytes=longest_bytes)
        if is_busy(answer.status):
            raise refusal(answer)
        return answer if answer.status == 200 else None

    def _authorised(self, method: str, path: str, *, understood: Callable[[HttpAnswer], bool] = speaks_json,
                    body: SingleFileBody | None = None, params: dict[str, str] | None = None,
                    longest_bytes: int = LONGEST_ANSWER_BYTES) -> HttpAnswer:  # fmt: skip
        """One call, repeated once with a fresh token where the first one was refused.

        A document is sent again only where the platform itself refused it: another's 401 may come of one that was stored.
        """
        auth = self._token.authorisation()
        answer = self._client.call(
            method, path, auth=auth, body=body, params=params, longest_bytes=longest_bytes, understood=understood
        )
        if answer.status != UNAUTHORISED:
            return answer
        self._token.forget(auth)
        if body and answer.whole_body_sent and not in_its_own_words(answer.json()):
            return answer
        if body:
            body.rewind()
        auth = self._token.authorisation()
        return self._client.call(
            method, path, auth=auth, body=body, params=params, longest_bytes=longest_bytes, understood=understood
        )


def _in_path(platform_id: str) -> str:
    return quote(platform_id, safe="")
