"""Connections on which a request has one final answer: interim ones are read past, and nothing is left over for the next."""

from __future__ import annotations

import functools
import http.client
import os
import re
import socket
import ssl
import struct
from contextlib import suppress
from io import BytesIO
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssl_ import create_urllib3_context

from facteur.adapters.deadline import BoundedTls, connected
from facteur.adapters.multipart import SingleFileBody

FIRST_FINAL = 200
MOST_INTERIM = 20
LONGEST_HEAD_BYTES = 1 << 16
RESET_AT_ONCE = struct.pack("ii", 1, 0)
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


class _OneAnswer(HTTPConnection):
    """What connections with and without TLS share."""

    _asked = False
    _incoming: Incoming | None = None

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **more: Any) -> None:
        """Send a request; a document whose answer comes early is not sent to its end."""
        self._asked, self._incoming = True, None
        if isinstance(body, SingleFileBody):
            body.answered = self._answered
        super().request(method, url, body, headers, **more)

    def response_class(  # type: ignore[override]  # http.client calls it, whatever it is
        self, connection: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> FinalAnswer:
        """The answer to the request, or a proxy's to CONNECT."""
        incoming = self._incoming or Incoming(connection)
        incoming.taken = True
        if self._asked:
            self._incoming = incoming
        return FinalAnswer(incoming, method)

    def close(self) -> None:
        """End the connection; where no answer came, what still lies in buffers must not arrive later."""
        incoming, asked = self._incoming, self._asked
        self._asked, self._incoming = False, None
        if asked and not (incoming and incoming.final) and isinstance(self.sock, socket.socket):
            with suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
        if incoming and not incoming.taken:
            incoming.close()
        super().close()

    def _answered(self) -> bool:
        self._incoming = self._incoming or Incoming(self.sock)
        return self._incoming.answered()

    def _new_conn(self) -> socket.socket:
        seconds = float("inf") if self.timeout is None else float(self.timeout)
        try:
            return connected(self._dns_host, self.port, allowed_gai_family(), seconds, self.socket_options or ())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "the time to connect is over") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error


class Connection(_OneAnswer):
    """Over TCP."""


class TlsConnection(_OneAnswer, HTTPSConnection):
    """Over TLS."""


class Connections(HTTPConnectionPool):
    """Over TCP."""

    ConnectionCls = Connection


class TlsConnections(HTTPSConnectionPool):
    """Over TLS."""

    ConnectionCls = TlsConnection


class WireAdapter(HTTPAdapter):
    """How `requests` reaches a host: over these connections, certificates verified by `authorities` (see tls_context)."""

    def __init__(self, connections: int, authorities: bool | str) -> None:
        self._authorities = authorities
        super().__init__(pool_connections=2, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _own_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        if proxy not in self.proxy_manager and proxy.lower().startswith("https:"):
            kwargs["proxy_ssl_context"] = tls_context(self._authorities)
        return _own_pools(super().proxy_manager_for(proxy, **kwargs))

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str | None, cert: Any = None
    ) -> tuple[Any, Any]:
        host, pool = super().build_connection_pool_key_attributes(request, True, cert)
        if host["scheme"] == "https":
            pool["ssl_context"] = tls_context(self._authorities)
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context has the certificates, read once for all connections."""


def _own_pools(manager: Any) -> Any:
    manager.pool_classes_by_scheme = {"http": Connections, "https": TlsConnections}
    return manager


@functools.cache
def tls_context(verify: bool | str) -> ssl.SSLContext:
    """Verify certificates and host names by a bundle of authorities: a file or folder, or (True) the usual one."""
    bundle = DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
    context = create_urllib3_context()
    context.load_verify_locations(**{"capath" if os.path.isdir(bundle) else "cafile": bundle})
    context.sslsocket_class = BoundedTls
    return context
