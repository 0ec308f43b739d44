"""A bearer token for each request: fetched once for many threads, kept for its life less a margin, renewed once on 401."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from facteur.adapters.http import HttpAnswer, HttpClient
from facteur.errors import AccountRefusedError, PlatformBusyError, Problem

MARGIN_SECONDS = 45.0  # a token must outlive the request it is sent with
TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's credentials, as its secret has them."""

    client_id: str
    client_secret: str = field(repr=False)
    customer_id: str | None = None
    sandbox: bool | None = None


class BearerToken(requests.auth.AuthBase):
    """OAuth 2 client credentials (RFC 6749, 4.4). `credentials(fresh)` reads the secret, anew where fresh is true."""

    def __init__(self, client: HttpClient, token_path: str, credentials: Callable[[bool], Credentials]) -> None:
        self._client, self._path, self._credentials = client, token_path, credentials
        self._lock = threading.Lock()
        self._token: str | None = None
        self._good_until = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.current()}"
        customer_id = self._credentials(False).customer_id
        if customer_id:
            request.headers["customer-id"] = customer_id
        return request

    def current(self) -> str:
        """The token, fetched where there is none that lives on.

        Raises:
            PlatformBusyError: the token endpoint did not answer.
            AccountRefusedError: it refused the credentials, also after the secret was read again.
        """
        with self._lock:
            if self._token is None or time.monotonic() >= self._good_until:
                self._fetch()
            assert self._token is not None  # noqa: S101  _fetch sets it or raises
            return self._token

    def forget(self, token: str) -> None:
        """The platform refused this token; another thread may have renewed it already."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _fetch(self) -> None:
        began = time.monotonic()
        answer = self._ask(self._credentials(False))
        if answer.status in {400, 401}:
            answer = self._ask(self._credentials(True))  # the secret may have been rotated
        found = answer.json() if answer.status == requests.codes.ok else None
        if not isinstance(found, dict) or not isinstance(found.get("access_token"), str):
            raise _refusal(answer)
        self._token = found["access_token"]
        lifetime = found.get("expires_in")
        self._good_until = began + (float(lifetime) - MARGIN_SECONDS if isinstance(lifetime, int | float) else 0)

    def _ask(self, credentials: Credentials) -> HttpAnswer:
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        }
        return self._client.call("POST", self._path, form=form)


def _refusal(answer: HttpAnswer) -> AccountRefusedError | PlatformBusyError:
    body = answer.json()
    code = str(body["error"])[:100] if isinstance(body, dict) and isinstance(body.get("error"), str) else None
    if answer.status == TOO_MANY_REQUESTS or answer.status >= requests.codes.server_error:
        problem = Problem("token_unavailable", "the token endpoint gave no token", answer.status, code)
        return PlatformBusyError(problem, answer.retry_after_seconds())
    return AccountRefusedError(
        Problem("token_refused", "the platform refused the account's credentials", answer.status, code)
    )
