"""A bearer token for each request: fetched once for many threads, kept for its life less a margin, renewed once on 401."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote_plus

import requests

from facteur.errors import AccountRefusedError, NotDepositedError, PlatformBusyError, Problem
from facteur.platforms import foreign
from facteur.platforms.credentials import Credentials
from facteur.platforms.http import HttpAnswer, HttpClient

MARGIN_SECONDS = 45.0  # a token must outlive the request it is sent with
LONGEST_LIFE_SECONDS = 86400.0  # whatever expires_in says
BUSY = frozenset({408, 429})
SENDABLE = re.compile(r"[\x21-\x7e]{1,16000}")  # what a header can carry, and a server will read
NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?")


@dataclass(frozen=True, slots=True)
class Authorisation(requests.auth.AuthBase):
    """What one request is sent with."""

    token: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        request.headers.update(self.headers)
        return request


class BearerToken:
    """OAuth 2 client credentials (RFC 6749, 4.4). `credentials(fresh)` reads the secret, anew where fresh is true.

    `named_in`: what the secret is called.
    """

    def __init__(
        self, client: HttpClient, token_path: str, credentials: Callable[[bool], Credentials], named_in: str
    ) -> None:
        self._client, self._path, self._credentials = client, token_path, credentials
        self._no_token = f"no token for the credentials in {named_in}"  # whatever the cause: which account waits
        self._lock = threading.Lock()
        self._token: str | None = None
        self._good_until = 0.0
        self._failed_at = 0.0
        self._failure: NotDepositedError | None = None

    def begin_invocation(self, stop_at: float) -> None:
        """Credentials that an earlier invocation saw refused are tried again, once; no call goes on after `stop_at` (monotonic)."""
        self._client.begin_invocation(stop_at)
        self._failure = None

    def authorisation(self) -> Authorisation:
        """The token, fetched where there is none that lives on; threads that wait for a fetch share its outcome.

        Raises:
            PlatformBusyError: the token endpoint did not answer.
            AccountRefusedError: it refused the credentials, also after the secret was read again.
        """
        asked_at = time.monotonic()
        with self._lock:
            if self._failure and (asked_at < self._failed_at or isinstance(self._failure, AccountRefusedError)):
                raise self._failure
            if self._token is None or time.monotonic() >= self._good_until:
                self._try_to_fetch()
            assert self._token is not None  # noqa: S101  _fetch sets it or raises
            return Authorisation(self._token, self._credentials(False).headers)

    def forget(self, refused: Authorisation) -> None:
        """The platform refused this token; another thread may have renewed it already."""
        with self._lock:
            if self._token == refused.token:
                self._token = None

    def _try_to_fetch(self) -> None:
        try:
            self._fetch()
        except NotDepositedError as error:
            self._failed_at, self._failure = time.monotonic(), error
            raise

    def _fetch(self) -> None:
        began = time.monotonic()
        answer = self._ask(self._credentials(False))
        if answer.status in {400, 401}:
            answer = self._ask(self._credentials(True))  # the secret may have been rotated
        self._token, lifetime = _granted(answer, self._no_token)
        self._good_until = began + lifetime - MARGIN_SECONDS

    def _ask(self, credentials: Credentials) -> HttpAnswer:
        """With the ids in the body, or in HTTP Basic as RFC 6749 encodes them."""
        form = {"grant_type": "client_credentials"} | ({"scope": credentials.scope} if credentials.scope else {})
        ids = credentials.client_id, credentials.client_secret
        basic = requests.auth.HTTPBasicAuth(*map(quote_plus, ids)) if credentials.basic else None
        form |= {} if basic else dict(zip(("client_id", "client_secret"), ids, strict=True))
        try:
            return self._client.call("POST", self._path, form=form, auth=basic)
        except PlatformBusyError as error:
            words = f"{self._no_token}: {error.problem.message}"
            raise PlatformBusyError(replace(error.problem, message=words)) from None


def _granted(answer: HttpAnswer, no_token: str) -> tuple[str, float]:
    """The token, and its life in seconds. The only place that reads an answer's words as they are."""
    try:
        found = json.loads(answer.body) if answer.status == requests.codes.ok else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _refusal(answer, no_token)
    token = found.get("access_token")
    if not isinstance(token, str) or not SENDABLE.fullmatch(token):
        raise _refusal(answer, no_token)
    return token, lifetime_seconds(found.get("expires_in"))


def lifetime_seconds(said: object) -> float:
    """What `expires_in` says, as a number or as digits, a day at most; 0, for this call only, where it says nothing usable."""
    if isinstance(said, str) and NUMBER.fullmatch(said.strip()):
        said = float(said)
    if isinstance(said, bool) or not isinstance(said, int | float) or said != said:  # NaN is not itself
        return 0.0
    return float(max(0, min(said, LONGEST_LIFE_SECONDS)))


def _refusal(answer: HttpAnswer, no_token: str) -> AccountRefusedError | PlatformBusyError:
    body = answer.json()
    code = foreign.code(body.get("error")) if isinstance(body, dict) else None
    if answer.status in BUSY or answer.status >= requests.codes.server_error:
        problem = Problem("token_unavailable", no_token, answer.status, code)
        return PlatformBusyError(problem, answer.retry_after_seconds())
    return AccountRefusedError(Problem("token_refused", no_token, answer.status, code))
