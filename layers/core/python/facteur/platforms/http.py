"""One way to talk HTTP: kept-alive connections, no redirects, and failures divided by whether the whole body had left."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from facteur import __version__
from facteur.errors import OutcomeUnknownError, PlatformBusyError, Problem
from facteur.platforms.answer_text import json_of, text_of
from facteur.platforms.blanking import Blanking
from facteur.platforms.connections import WireAdapter
from facteur.platforms.deadline import time_for_a_call
from facteur.platforms.multipart import BLOCK_BYTES, SingleFileBody

HEADERS = {
    "User-Agent": f"facteur/{__version__}", "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive", "Cache-Control": "no-cache",
}  # fmt: skip
LONGEST_ANSWER_BYTES = 20_000_000  # a search page of 200 entries has some 200 kB; anything near this is not an answer
STALE_CONNECTION_SECONDS = 20.0
LONGEST_WAIT_SECONDS = 86400.0  # whatever Retry-After says
RESET = "connection_reset"  # what some do to whoever calls too fast


def check_time(stop_at: float) -> None:
    """Raises PlatformBusyError where the function has no time left: `stop_at` (monotonic) is over."""
    if time.monotonic() >= stop_at:
        raise PlatformBusyError(Problem("no_time_left", "not asked: the function had no time left"))


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer; its words are blanked of what was sent, its `body` is not.

    `whole_body_sent`: it came after the whole document had left; before that nothing can have been deposited.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    whole_body_sent: bool = True  # also of a request that has no document
    blanking: Blanking = field(default_factory=Blanking, repr=False)
    _json: list[Any] = field(default_factory=list, repr=False, compare=False)  # once it was read

    @property
    def text(self) -> str:
        """What it says, blanked."""
        return self.blanking.in_text(self.body, text_of(self.body, self.headers.get("Content-Type")))

    @property
    def blanked(self) -> Callable[[str], str]:
        """What blanks words of its body."""
        return self.blanking.of_words_in(self.body)

    def json(self) -> Any:
        """The body as JSON, blanked, or None where it is none, or so deeply nested that nobody meant it."""
        if not self._json:
            try:
                found = self.blanking.in_json(self.body, json_of(self.body, self.headers.get("Content-Type")))
            except RecursionError:
                found = None
            self._json.append(found)
        return self._json[0]

    def retry_after_seconds(self) -> float | None:
        """What Retry-After asks for, in seconds or as a date, a day at most; None where it is absent or unreadable."""
        value = self.headers.get("Retry-After", "").strip()
        try:
            seconds = float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
        return min(LONGEST_WAIT_SECONDS, max(0.0, seconds))


def speaks_json(answer: HttpAnswer) -> bool:
    """A success with JSON, or with nothing to say."""
    return 200 <= answer.status < 300 and answer.body.lstrip()[:1] in {b"", b"{", b"["}


class HttpClient:
    """What threads may share. A call is one request, one final answer, and one deadline."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        connections: int,
        blanking: Blanking | None = None,
        before_call: Callable[[], None] = lambda: None,
    ) -> None:
        """`blanking`: what is shared with other clients of the account."""
        self.base_url = base_url
        self._timeout = (connect_timeout_seconds, read_timeout_seconds)
        # read once: requests would look through the whole environment at every call, and into .netrc for other credentials
        environment = requests.Session().merge_environment_settings(base_url, {}, None, None, None)
        self._proxies = environment["proxies"]
        self._adapter = WireAdapter(connections, environment["verify"] or True)
        self._blanking = blanking or Blanking()
        self._before_call = before_call
        self._last_used = time.monotonic()
        self._stop_at = float("inf")

    def begin_invocation(self, stop_at: float) -> None:
        """No call goes on after `stop_at` (monotonic), when the function is stopped. Connections of an earlier one may be dead."""
        self._stop_at = stop_at
        self.drop_idle_connections()

    def drop_idle_connections(self) -> None:
        """Close what is kept alive: a frozen container's connections are dead, and a deposit on one would be a doubt."""
        self._adapter.close()

    def call(self, method: str, path: str, *, auth: requests.auth.AuthBase | None = None, body: SingleFileBody | None = None,
             form: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None, sent: Any = None,
             accept: str | None = None, longest_bytes: int = LONGEST_ANSWER_BYTES,
             understood: Callable[[HttpAnswer], bool] = speaks_json) -> HttpAnswer:  # fmt: skip
        """Send one request and read its whole answer. Redirects are answers, never followed.

        All of it is over within the two timeouts together; a document has them anew with each block that may be sent.

        Args:
            sent: is sent as JSON.
            accept: what is hoped for in place of JSON.
            understood: whether the answer is one that was hoped for. After any other the connection is not used again.

        Raises:
            PlatformBusyError: the body's end was not sent.
            OutcomeUnknownError: the whole body had left.
        """
        check_time(self._stop_at)
        if time.monotonic() - self._last_used > STALE_CONNECTION_SECONDS:
            self.drop_idle_connections()
        headers = (
            HEADERS | ({"Content-Type": body.content_type} if body else {}) | ({"Accept": accept} if accept else {})
        )
        data: Any = body or form
        if sent is not None:
            headers, data = headers | {"Content-Type": "application/json"}, json.dumps(sent).encode()
        request = _prepared(method, self.base_url + path, headers, data, params, auth)
        self._blanking.remember_sent(request.headers, form)
        self._before_call()
        with classified(body), time_for_a_call(sum(self._timeout), self._stop_at), self._adapter.send(
            request, stream=True, timeout=self._timeout, verify=True, proxies=self._proxies
        ) as response, _borrowed(response.raw) as connection:  # fmt: skip
            # without a session, which would read a redirect's body whatever its length
            content = b"".join(_limited(response.iter_content(BLOCK_BYTES), longest_bytes))
            whole = body is None or body.whole_sent
            answer = HttpAnswer(response.status_code, response.headers, content, whole, self._blanking)
            connection.reusable = whole and understood(answer)
            self._last_used = time.monotonic()
            return answer


def _prepared(
    method: str, url: str, headers: Mapping[str, str], data: Any, params: Any, auth: Any
) -> requests.PreparedRequest:
    """As `requests` prepares it; finding out about a URL takes a tenth of a call's CPU time, and is done once for each."""
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.url = _prepared_url(url)
    if params:
        request.prepare_url(url, params)
    request.prepare_headers(headers)
    request.prepare_body(data, None)
    request.prepare_auth(auth, url)
    return request


@functools.lru_cache(1000)
def _prepared_url(url: str) -> str | None:
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return request.url


@dataclass(slots=True)
class _Borrowed:
    reusable: bool = False


@contextmanager
def _borrowed(raw: Any) -> Iterator[_Borrowed]:
    """A connection is given back only after an answer that was final, whole, and understood; after all else it is closed."""
    connection, raw._connection = raw._connection, None  # urllib3 would give it back at the answer's last byte
    found = _Borrowed()
    try:
        yield found
    finally:
        if not (found.reusable and raw._original_response.reusable):
            connection.close()
        raw._pool._put_conn(connection)


@contextmanager
def classified(body: SingleFileBody | None) -> Iterator[None]:
    """A failure before the body's end was handed over deposited nothing; one after it may have."""
    try:
        yield
    except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError) as exc:
        kind = type(exc).__name__
        reset = _was_reset(exc)
        if body is not None and body.whole_sent:
            code = RESET if reset else "no_answer"
            raise OutcomeUnknownError(Problem(code, f"the platform's answer was lost ({kind})")) from None
        code = RESET if reset else "platform_unreachable"
        raise PlatformBusyError(Problem(code, f"the platform could not be reached ({kind})")) from None


def _was_reset(error: BaseException) -> bool:
    """Whether a connection's reset is wrapped in a driver's error."""
    wrapped = [each for each in (*error.args, getattr(error, "reason", None)) if isinstance(each, BaseException)]
    return isinstance(error, ConnectionResetError) or any(map(_was_reset, wrapped))


def _limited(blocks: Iterator[bytes], longest_bytes: int) -> Iterator[bytes]:
    left = longest_bytes
    for block in blocks:
        left -= len(block)
        if left < 0:
            raise requests.exceptions.ContentDecodingError("the answer is longer than any answer should be")
        yield block
