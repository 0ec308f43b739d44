"""Reading an answer: interim ones are read past, its framing leaves no choice, and what lies behind it is noticed."""

from __future__ import annotations

import http.client
import re
import ssl
from io import BytesIO
from typing import Any

FIRST_FINAL = 200
MOST_INTERIM = 20
LONGEST_HEAD_BYTES = 1 << 16
SWITCHING = 101  # asked for by nobody
WITHOUT_BODY = frozenset({204, 304})
HEAD = re.compile(  # a status line and header lines, no other; a lone CR or a NUL is read differently by each reader
    rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: [^\r\n\0]*)?\r?\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r?\n(?:[ \t][^\r\n\0]*\r?\n)*)*\r?\n"
)


class Incoming:
    """What comes in on a connection for one request."""

    def __init__(self, connection: Any) -> None:
        self._socket = connection
        self._file = connection.makefile("rb")
        self._head: bytes | None = None
        self._interim = 0
        self.taken = False  # by the answer that is read from it, and closes it

    def makefile(self, _mode: str) -> Any:
        """What http.client reads an answer from."""
        return self._file

    @property
    def final(self) -> bool:
        """Whether a final answer has begun."""
        return self._head is not None

    def close(self) -> None:
        self._file.close()

    def speaks(self) -> bool:
        """Whether something has come that nobody read: in the reader, in TLS, or in the kernel. It does not wait."""
        timeout = self._socket.gettimeout()
        self._socket.settimeout(0.0)
        try:
            return bool(self._file.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True  # a reset, say: whatever it is, it is not silence
        finally:
            self._socket.settimeout(timeout)

    def answered(self) -> bool:
        """Whether a final answer has begun to come; interim ones are read past."""
        while not self.final and self.speaks():
            self._take_head()
        return self.final

    def final_head(self) -> bytes:
        """The status line and headers of the final answer, once they are there.

        Raises:
            http.client.HTTPException: what comes is no answer.
        """
        while self._head is None:
            self._take_head()
        return self._head

    def _take_head(self) -> None:
        head, status = _read_head(self._file)
        if status >= FIRST_FINAL:
            self._head = head
            return
        self._interim += 1
        if status == SWITCHING or self._interim > MOST_INTERIM:
            raise http.client.HTTPException("interim answers without end")


def _read_head(file: Any) -> tuple[bytes, int]:
    lines: list[bytes] = []
    left = LONGEST_HEAD_BYTES
    while not lines or lines[-1] not in {b"\r\n", b"\n"}:
        line = file.readline(left)
        if not line and not lines:
            raise http.client.RemoteDisconnected("the connection ended without an answer")
        lines.append(line)
        left -= len(line)
        if not line.endswith(b"\n"):
            raise http.client.HTTPException("the answer's head breaks off, or does not end")
    found = HEAD.fullmatch(head := b"".join(lines))
    if not found:
        raise http.client.HTTPException("no HTTP answer")
    return head, int(found[1])


class FinalAnswer(http.client.HTTPResponse):
    """An answer that knows whether its connection can be used again: its framing is plain, and nothing comes after it."""

    def __init__(self, incoming: Incoming, method: str | None) -> None:
        super().__init__(incoming, method=method)  # type: ignore[arg-type]  # it only makes a file of it
        self._incoming = incoming
        self.reusable = False

    def begin(self) -> None:
        """Read the head."""
        file = self.fp
        self.fp = BytesIO(self._incoming.final_head())  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            self.fp = file
        self.reusable = not self.will_close and self.version == 11 and self._framed_plainly()

    def _framed_plainly(self) -> bool:
        lengths, codings = self.headers.get_all("Content-Length", []), self.headers.get_all("Transfer-Encoding", [])
        if self.status in WITHOUT_BODY:
            return not codings and lengths in ([], ["0"])
        chunked = [coding.strip().lower() for coding in codings] == ["chunked"]
        return (chunked and not lengths) or (not codings and len(lengths) == 1 and lengths[0].strip().isdecimal())

    def _close_conn(self) -> None:
        """Read to its end."""
        self.reusable = self.reusable and not self._incoming.speaks()
        super()._close_conn()  # type: ignore[misc]
