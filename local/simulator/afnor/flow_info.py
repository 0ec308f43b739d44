"""flowInfo, the JSON beside a file: read, refused where the norm does not allow it, and repeated in the answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.simulator.afnor.flows import date_shown
from local.simulator.afnor.refusals import params_error, refused
from local.simulator.afnor.versions import SYNTAXES, VERSIONS
from local.simulator.core.oddities import with_date
from local.simulator.core.settings import Settings

LONGEST_NAME = 255
SHA256 = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True, slots=True)
class FlowInfo:
    """What the sender says of a file; None: nothing."""

    name: str
    syntax: str
    profile: str | None
    rule: str | None
    tracking_id: str | None
    sha256: str | None


def read(written: str, settings: Settings) -> FlowInfo:
    """ApiError for what is missing or not allowed."""
    try:
        found = json.loads(written)
    except ValueError:
        raise params_error("flowInfo is no JSON") from None
    if not isinstance(found, dict):
        raise params_error("flowInfo is no object")
    version = VERSIONS[settings.afnor_version]
    info = FlowInfo(
        name=text(found, "name", LONGEST_NAME) or "",
        syntax=word(found, "flowSyntax", SYNTAXES) or "",
        profile=word(found, "flowProfile", version.profiles),
        rule=word(found, "processingRule", version.rules),
        tracking_id=text(found, "trackingId", version.longest_id),
        sha256=text(found, "sha256", 64),
    )
    if not info.name or not info.syntax:
        raise refused(400, "name and flowSyntax are required", "MISSING_REQUIRED_FIELD")
    if info.sha256 is not None and not SHA256.fullmatch(info.sha256):
        raise params_error("sha256 is not valid")
    if info.rule is not None and settings.processing_rule == "501":
        raise refused(501, "processingRule are not yet supported as argument")
    if info.syntax == "FRR":
        raise refused(501, "this simulator takes no e-reporting")
    return info


def text(found: dict[str, Any], name: str, longest: int) -> str | None:
    value = found.get(name)
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= longest):
        raise params_error(f"{name} is not valid")
    return value


def word(found: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value = found.get(name)
    if value is not None and value not in allowed:
        raise params_error(f"{name} is not valid")
    return None if value is None else str(value)


def receipt(info: FlowInfo, flow_id: str | int, at: float, digest: str, settings: Settings) -> web.Response:
    """The 202: what was said of the file, its id, and when it came."""
    said = {
        "trackingId": info.tracking_id, "name": info.name, "flowSyntax": info.syntax, "flowProfile": info.profile,
        "processingRule": info.rule, "sha256": digest,
    }  # fmt: skip
    whole: dict[str, Any] = {"flowId": flow_id, **said}
    with_date(whole, "submittedAt", date_shown("submittedAt", at, settings))
    return web.json_response({name: value for name, value in whole.items() if value is not None}, status=202)
