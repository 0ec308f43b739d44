"""Addresses of platforms, as settings and secrets give them: a pure function."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

HOST_NAME = re.compile(r"[a-z0-9._:-]+")
ON_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1", "host.docker.internal"})


def platform_host(value: str, *, in_container: bool = False) -> str:
    """The URL of a host, without a path. Raises ValueError: it is none, or not https and not on this machine.

    `in_container`: of `sam local`, from where this machine has a private address.
    """
    expected = "must be a host without a path, such as https://api.example.org"
    try:
        parts = urlsplit(value.strip())
        host, more = (
            parts.hostname,
            (parts.path.strip("/"), parts.query, parts.fragment, parts.username, parts.port == 0),
        )
    except ValueError:  # a port or an IPv6 address that is none
        raise ValueError(expected) from None
    if parts.scheme not in {"https", "http"} or not host or any(more) or not HOST_NAME.fullmatch(host):
        raise ValueError(expected)
    if parts.scheme == "http" and host not in ON_THIS_MACHINE and not (in_container and _is_private(host)):
        raise ValueError("must be https: only a server on this machine may be http")
    return f"{parts.scheme}://{parts.netloc}"


def _is_private(host: str) -> bool:
    """Whether it is an address of a private network (RFC 1918, 4193)."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private and not address.is_link_local and not address.is_unspecified
