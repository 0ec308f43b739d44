"""An account's secret: which platform it is, where, and how it wants to be asked. Configuration, not code, names a platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from facteur.errors import AccountRefusedError, Problem
from facteur.platforms.credentials import Address, Credentials, credentials_from, fits_in_a_header
from facteur.platforms.hosts import platform_url

SECRET_KEYS = (
    "client_id", "client_secret", "flow_url", "token_url", "client_auth", "organization_id", "scope", "directory_url", "preset", "sandbox",
    "processing_rule",
)  # fmt: skip
HEADERS = {"organization_id": "Organization-Id"}
VERSION = "/v1"  # behind the address that a platform names; every path has it
CLIENT_AUTH = ("body", "basic")
PROCESSING_RULES = (  # of 1.2 and 1.3; Undefined is what a platform answers
    "B2B", "B2BInt", "B2C", "B2G", "B2GInt", "OutOfScope", "B2GOutOfScope", "ArchiveOnly", "NotApplicable",
)  # fmt: skip
ADDRESSES = ("flow_url", "token_url", "directory_url")


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
# Hosts of both environments, and what says there, outside the norm, which of them a token's company is in.
COMPANIES = {"api.superpdp.tech": "https://api.superpdp.tech/v1.beta/companies/me"}


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
        wrong += ["processing_rule"] if whole.get("processing_rule", "B2B") not in PROCESSING_RULES else []
        wrong += ["preset"] if "preset" in whole and preset is None else []
        wrong += [name for name in (preset.required if preset else ()) if name not in whole]
        flow, token = (_service(name, whole.get(name)) for name in ("flow_url", "token_url"))
        return (Address(flow, token) if flow and token else None), wrong

    read = credentials_from(whole, secret_id, HEADERS, address_in)
    _refuse_mixed(whole, given, preset, secret_id)
    return replace(
        read, basic=whole.get("client_auth") == "basic", scope=whole.get("scope"),
        directory_url=_service("directory_url", whole.get("directory_url")), tenant=_tenant(read, preset),
        processing_rule=whole.get("processing_rule"),
        company_url=COMPANIES.get(_host(whole["flow_url"])) if read.sandbox is not None else None,
    )  # fmt: skip


def _refuse_mixed(whole: Mapping[str, Any], given: Mapping[str, Any], preset: Preset | None, secret_id: str) -> None:
    """Addresses of two environments: a client's secret, or its token, would be sent to the other one."""
    known = {name: url for name, url in preset.keys.items() if name in ADDRESSES} if preset else {}
    moved = [name for name, url in known.items() if name in given and _host(given[name]) != _host(url)]
    left = [name for name in known if name not in given]
    hosts = {name: _host(whole[name]) for name in ADDRESSES if name in whole}
    of_production = [name for name, host in hosts.items() if host in PRODUCTION_HOSTS]
    of_sandbox = [name for name, host in hosts.items() if host in SANDBOX_HOSTS]
    if moved and left:
        words = (
            f"{', '.join(moved)} of another host than preset {whole['preset']}'s, and {', '.join(left)} still from the preset. "
            f"Give {' and '.join(left)} too, or leave {' and '.join(moved)} to the preset"
        )
    elif of_production and of_sandbox:
        words = f"of production: {', '.join(of_production)}; of the sandbox: {', '.join(of_sandbox)}"
    else:
        return
    raise AccountRefusedError(Problem("environment_mismatch", f"secret {secret_id}: {words}"))


def _host(url: str) -> str:
    return urlsplit(url.strip()).hostname or ""


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
