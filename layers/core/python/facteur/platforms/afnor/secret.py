"""An account's secret: which platform it is, where, and how it wants to be asked. Configuration, not code, names a platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from facteur.platforms.credentials import Address, Credentials, credentials_from, fits_in_a_header
from facteur.platforms.hosts import platform_url

SECRET_KEYS = (
    "client_id", "client_secret", "flow_url", "token_url", "client_auth", "organization_id", "scope", "directory_url", "preset", "sandbox",
)  # fmt: skip
HEADERS = {"organization_id": "Organization-Id"}
VERSION = "/v1"  # behind the address that a platform names; every path has it
CLIENT_AUTH = ("body", "basic")


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of a platform: keys that its secrets may leave out, and those that they may not."""

    keys: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()


PRESETS = {
    "superpdp-afnor": Preset({
        "flow_url": "https://api.superpdp.tech/afnor-flow", "token_url": "https://api.superpdp.tech/oauth2/token",
        "directory_url": "https://api.superpdp.tech/afnor-directory",
    }),
    "esalink": Preset({
        "flow_url": "https://hubtimize.fr/api/orchestrator", "token_url": "https://hubtimize.fr/api/orchestrator/v1/oauth2/token",
        "directory_url": "https://hubtimize.fr/api/orchestrator", "client_auth": "basic",
    }),
    "flowie": Preset({
        "flow_url": "https://back.p2p-flowie.com/exchange/afnor/flow-service",
        "directory_url": "https://back.p2p-flowie.com/exchange/afnor/directory-service",
    }, required=("organization_id",)),
}  # fmt: skip
PRODUCTION_HOSTS = frozenset({"hubtimize.fr", "back.p2p-flowie.com"})  # SUPER PDP has one host for both
SANDBOX_HOSTS = frozenset({"ppd.hubtimize.fr", "back.flowie.ink"})


def read_secret(secret: Mapping[str, Any], secret_id: str) -> Credentials:
    """The credentials in a secret, completed by its preset.

    Raises:
        AccountRefusedError: names all keys that are missing or wrong.
    """
    preset = PRESETS.get(secret["preset"]) if isinstance(secret.get("preset"), str) else None
    given = {name: value for name, value in secret.items() if value not in (None, "")}
    whole = {**(preset.keys if preset else {}), **given}

    def address_in(_secret: Mapping[str, Any]) -> tuple[Address | None, list[str]]:
        wrong = [name for name in ("flow_url", "token_url") if _service(name, whole.get(name)) is None]
        wrong += [name for name in ("directory_url",) if name in whole and _service(name, whole[name]) is None]
        wrong += ["client_auth"] if whole.get("client_auth", "body") not in CLIENT_AUTH else []
        wrong += ["scope"] if not fits_in_a_header(whole.get("scope")) else []
        wrong += ["preset"] if "preset" in whole and preset is None else []
        wrong += [name for name in (preset.required if preset else ()) if name not in whole]
        flow, token = (_service(name, whole.get(name)) for name in ("flow_url", "token_url"))
        return (Address(flow, token) if flow and token else None), wrong

    read = credentials_from(whole, secret_id, HEADERS, address_in)
    return replace(
        read, basic=whole.get("client_auth") == "basic", scope=whole.get("scope"),
        directory_url=_service("directory_url", whole.get("directory_url")), tenant=_tenant(read, preset),
    )  # fmt: skip


def _tenant(read: Credentials, preset: Preset | None) -> dict[str, str]:
    """Whose deposits a client id means: an organisation's, and a token endpoint's, for some have one for each customer. That of a preset
    is every customer's, and may move."""
    token_url = read.address.auth_url if read.address else None
    known = _service("token_url", preset.keys.get("token_url")) if preset else None
    said = {
        "organization_id": read.headers.get(HEADERS["organization_id"]),
        "token_url": None if token_url == known else token_url,
    }
    return {name: value for name, value in said.items() if value}


def _service(name: str, value: object) -> str | None:
    """The address of a service without what every path begins with; None: it is none."""
    try:
        url = platform_url(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return url if name == "token_url" else url.removesuffix(VERSION).rstrip("/")
