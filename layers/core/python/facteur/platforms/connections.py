"""Connections on which a request has one final answer, and nothing is left over for the next."""

from __future__ import annotations

import functools
import os
import socket
import ssl
import struct
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family
from urllib3.util.ssl_ import create_urllib3_context

from facteur.platforms.deadline import BoundedTls, connected
from facteur.platforms.final_answer import FinalAnswer, Incoming
from facteur.platforms.multipart import SingleFileBody

RESET_AT_ONCE = struct.pack("ii", 1, 0)


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
