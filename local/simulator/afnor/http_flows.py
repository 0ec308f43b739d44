"""Searching flows, looking at one, fetching its file; and whether the service is well."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from local.simulator.afnor import cdar_twists, search
from local.simulator.afnor.flows import Flow, find, shown
from local.simulator.afnor.refusals import params_error, refused
from local.simulator.core import answers
from local.simulator.core.gate import caller
from local.simulator.core.settings import Settings
from local.simulator.core.world import WORLD, World

METADATA, ORIGINAL = "Metadata", "Original"
DOC_TYPES = (METADATA, ORIGINAL, "Converted", "ReadableView")
JSON, BINARY = "application/json", "application/octet-stream"


async def flows(request: web.Request) -> web.Response:
    """POST /v1/flows/search"""
    world = request.app[WORLD]
    try:
        body = await request.json()
    except ValueError:
        raise params_error("JSON expected") from None
    wanted = search.read(body, world.settings)
    return web.json_response(search.answer(world, caller(request).client_id, wanted, body["where"]))


async def flow(request: web.Request) -> web.Response:
    """GET /v1/flows/{id}: what is known of a flow, or its file."""
    world, kind = request.app[WORLD], request.query.get("docType", METADATA)
    if kind not in DOC_TYPES:
        raise params_error("docType is not valid")
    if not acceptable(request, JSON if kind == METADATA else BINARY):
        raise refused(406, f"Accept must allow {JSON if kind == METADATA else BINARY}")
    found = find(world, caller(request).client_id, request.match_info["id"])
    if found is None or (kind not in {METADATA, ORIGINAL}):
        raise refused(404, "Requested resource is Not Found")
    if kind == METADATA:
        return web.json_response(shown(found, world.clock.now(), world.settings))
    return original(found, world)


def original(found: Flow, world: World) -> web.Response:
    """The file, or what a platform gives in its place."""
    settings = world.settings
    if settings.originals == "absent":
        raise refused(404, "Requested resource is Not Found")
    if settings.originals == "page":
        return answers.page(200)
    content = content_of(found, settings)
    changed = content + b"\n<!-- converted -->\n" if settings.originals == "converted" else content
    headers = {"Content-Disposition": f"attachment;filename={quote(found.name)}"}
    return web.Response(body=changed, content_type=BINARY, headers=headers)


def content_of(found: Flow, settings: Settings) -> bytes:
    if found.status is None:
        return found.deposit.content
    return found.content if found.content is not None else cdar_twists.message(found.deposit, found.status, settings)


def acceptable(request: web.Request, kind: str) -> bool:
    """Whether a client says that it takes a kind; with `strict` it has to name it."""
    how = request.app[WORLD].settings.accept
    named = {each.partition(";")[0].strip().lower() for each in request.headers.get("Accept", "*/*").split(",")}
    wider = set() if how == "strict" else {"*/*", f"{kind.partition('/')[0]}/*"}
    return how == "off" or bool(named & {kind, *wider})


async def healthcheck(request: web.Request) -> web.Response:
    """200, also without a token: it says nothing of the account."""
    return web.Response()
