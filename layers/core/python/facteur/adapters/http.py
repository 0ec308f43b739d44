"""One way to talk HTTP: kept-alive connections, no redirects, and failures told apart by whether the whole body had left."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import IO, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from facteur import __version__
from facteur.errors import OutcomeUnknownError, PlatformBusyError, Problem

HEADERS = {
    "User-Agent": f"facteur/{__version__}", "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive",
}  # fmt: skip
LONGEST_ANSWER_BYTES = 20_000_000  # a search page of 200 entries has some 200 kB; anything near this is not an answer
STALE_CONNECTION_SECONDS = 20.0
LONGEST_WAIT_SECONDS = 86400.0  # whatever Retry-After says
BLOCK_BYTES = 1 << 16
RESET = "connection_reset"  # what some do to whoever calls too fast


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer. `whole_body_sent`: it came after the whole document had left; before that nothing can have been deposited."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    whole_body_sent: bool = True  # also of a request that has no document

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, or None where it is none, or so deeply nested that nobody meant it."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def retry_after_seconds(self) -> float | None:
        """What Retry-After asks for, in seconds or as a date, a day at most; None where it is absent or unreadable."""
        value = self.headers.get("Retry-After", "").strip()
        try:
            seconds = float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
        return min(LONGEST_WAIT_SECONDS, max(0.0, seconds))


class SingleFileBody:
    """A multipart/form-data body of one file, streamed. What makes a deposit is its end: it knows whether that was handed over.

    `before_block` is called before every block, the end included, and may raise NotDepositedError: then the connection is cut,
    and the platform has half a request.
    """

    def __init__(
        self, name: str, file_name: str, content_type: str, file: IO[bytes], size: int, before_block: Callable[[], None]
    ) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        )
        self._head, self._tail = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self._file, self._size, self._before_block = file, size, before_block
        self.whole_sent = False
        self._parts = self._blocks()

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def read(self, _size: int = -1) -> bytes:
        """The next block; urllib3 sends each as it is."""
        return next(self._parts, b"")

    def rewind(self) -> None:
        """Start over, for the one repeat after a refused token."""
        self._parts, self.whole_sent = self._blocks(), False

    def _blocks(self) -> Iterator[bytes]:
        """The end leaves with the last part of the file. A file that has become shorter is not what was announced."""
        self._before_block()
        self._file.seek(0)
        block, left = self._head, self._size
        while True:
            part = self._file.read(min(BLOCK_BYTES, left))
            if left and not part:
                raise ValueError("the document is shorter than it was")
            block, left = block + part, left - len(part)
            if not left:
                break
            yield block
            self._before_block()
            block = b""
        self.whole_sent = True
        yield block + self._tail


class HttpClient:
    """A `requests` session that threads may share."""

    def __init__(
        self, base_url: str, *, connect_timeout_seconds: float, read_timeout_seconds: float, connections: int
    ) -> None:
        self.base_url = base_url
        self._timeout = (connect_timeout_seconds, read_timeout_seconds)
        self._session = requests.Session()
        # read once: requests would look through the whole environment at every call, and into .netrc for other credentials
        environment = self._session.merge_environment_settings(base_url, {}, None, None, None)
        self._sending: dict[str, Any] = {"proxies": environment["proxies"], "verify": environment["verify"]}
        self._session.trust_env = False
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=connections, max_retries=0))
        self._last_used = time.monotonic()

    def drop_idle_connections(self) -> None:
        """Close what is kept alive: a frozen container's connections are dead, and a deposit on one would be a doubt."""
        self._session.close()

    def call(self, method: str, path: str, *, auth: requests.auth.AuthBase | None = None, body: SingleFileBody | None = None,
             form: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None,
             longest_bytes: int = LONGEST_ANSWER_BYTES) -> HttpAnswer:  # fmt: skip
        """Send one request and read its whole answer. Redirects are answers, never followed.

        Raises:
            PlatformBusyError: the body's end was not sent.
            OutcomeUnknownError: the whole body had left.
        """
        if time.monotonic() - self._last_used > STALE_CONNECTION_SECONDS:
            self.drop_idle_connections()
        headers = HEADERS | ({"Content-Type": body.content_type} if body else {})
        # prepared here and not by the session, whose merging of settings takes a tenth of a call's CPU time
        request = requests.Request(method, self.base_url + path, headers, data=body or form, params=params, auth=auth)
        with told_apart(body), self._session.send(
            request.prepare(), stream=True, timeout=self._timeout, allow_redirects=False, **self._sending
        ) as response:  # fmt: skip
            content = b"".join(_limited(response.iter_content(BLOCK_BYTES), longest_bytes))
            self._last_used = time.monotonic()
            return HttpAnswer(response.status_code, response.headers, content, body is None or body.whole_sent)


@contextmanager
def told_apart(body: SingleFileBody | None) -> Iterator[None]:
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
