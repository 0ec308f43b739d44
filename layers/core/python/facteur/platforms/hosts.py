"""Addresses of platforms, as settings and secrets give them: a pure function."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

HOST_NAME = re.compile(r"[a-z0-9._:-]+")
PATH = re.compile(r"(/[A-Za-z0-9._~%@:+-]+)*/*")
ON_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1", "host.docker.internal"})


def platform_host(value: str, *, in_container: bool = False) -> str:
    """The URL of a host, without a path. Raises ValueError: it is none, or not https and not on this machine.

    `in_container`: of `sam local`, from where this machine has a private address.
    """
    parts = _parts(value, "must be a host without a path, such as https://api.example.org", in_container)
    if parts.path.strip("/"):
        raise ValueError("must be a host without a path, such as https://api.example.org")
    return f"{parts.scheme}://{parts.netloc}"


def platform_url(value: str) -> str:
    """The URL of a service at a host, with its path and no slash behind. Raises ValueError as `platform_host` does."""
    expected = "must be an address without a question mark, such as https://api.example.org/flow-service"
    parts = _parts(value, expected, in_container=False)
    if not PATH.fullmatch(parts.path) or {".", ".."} & set(parts.path.split("/")):
        raise ValueError(expected)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _parts(value: str, expected: str, in_container: bool) -> SplitResult:
    try:
        parts = urlsplit(value.strip())
        host, more = parts.hostname, (parts.query, parts.fragment, parts.username is not None, parts.port == 0)
    except ValueError:  # a port or an IPv6 address that is none
        raise ValueError(expected) from None
    if parts.scheme not in {"https", "http"} or not host or any(more) or not HOST_NAME.fullmatch(host):
        raise ValueError(expected)
    if parts.scheme == "http" and host not in ON_THIS_MACHINE and not (in_container and _is_private(host)):
        raise ValueError("must be https: only a server on this machine may be http")
    return parts


def _is_private(host: str) -> bool:
    """Whether it is an address of a private network (RFC 1918, 4193)."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private and not address.is_link_local and not address.is_unspecified
