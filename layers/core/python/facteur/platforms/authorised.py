"""Calls with a bearer token, renewed once where the platform refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from facteur.platforms.http import LONGEST_ANSWER_BYTES, HttpAnswer, HttpClient, speaks_json
from facteur.platforms.multipart import SingleFileBody
from facteur.platforms.oauth import BearerToken

UNAUTHORISED = 401


class AuthorisedClient:
    """A platform's API for one account. `own_words`: whether an error is certainly the platform's own, and of nothing before it."""

    def __init__(self, client: HttpClient, token: BearerToken, own_words: Callable[[Any], bool]) -> None:
        self._client, self._token, self._own_words = client, token, own_words

    def begin_invocation(self, stop_at: float) -> None:
        """No call goes on after `stop_at` (monotonic)."""
        self._client.begin_invocation(stop_at)
        self._token.begin_invocation(stop_at)

    def obtain_token(self) -> None:
        self._token.authorisation()

    def call(self, method: str, path: str, *, understood: Callable[[HttpAnswer], bool] = speaks_json,
             body: SingleFileBody | None = None, params: dict[str, str] | None = None, sent: Any = None, accept: str | None = None,
             longest_bytes: int = LONGEST_ANSWER_BYTES) -> HttpAnswer:  # fmt: skip
        """One call as HttpClient makes it, repeated once with a fresh token where the first one was refused.

        A document is sent again only where the platform itself refused it: another's 401 may come of one that was stored.
        """
        auth = self._token.authorisation()
        more: dict[str, Any] = {
            "body": body, "params": params, "sent": sent, "accept": accept, "longest_bytes": longest_bytes, "understood": understood,
        }  # fmt: skip
        answer = self._client.call(method, path, auth=auth, **more)
        if answer.status != UNAUTHORISED:
            return answer
        self._token.forget(auth)
        if body and answer.whole_body_sent and not self._own_words(answer.json()):
            return answer
        if body:
            body.rewind()
        auth = self._token.authorisation()
        return self._client.call(method, path, auth=auth, **more)
