"""Runs in an environment that has mcp-facture-electronique-fr: its flow client, and its MCP server's tools. Addresses by standard input."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import sys
from typing import Any

import httpx


def expect(holds: Any, shown: Any = "") -> None:
    """End with what was shown instead."""
    if not holds:
        sys.exit(f"not as expected: {shown}")


async def by_the_client(given: dict[str, Any]) -> None:
    from mcp_facture_electronique_fr.clients.flow_client import FlowClient

    client = FlowClient()
    print("healthcheck:", (await client.healthcheck()).get("status", "answered"))
    document = given["documents"][0]
    content, key = base64.b64decode(document["content"]), "mcp-client-1"
    flow = await client.submit_flow(
        content, document["name"], "CII", tracking_id=key, sha256=hashlib.sha256(content).hexdigest()
    )
    print("submit_flow with trackingId and sha256")

    async with httpx.AsyncClient() as admin:
        await admin.post(f"{given['admin_url']}/_simulator/clock", json={"advance": 300})
    (found,) = (await client.search_flows(tracking_id=key))["results"]
    metadata = await client.get_flow(flow["flowId"])
    expect(found["flowId"] == flow["flowId"] and isinstance(metadata, dict))
    expect(metadata["acknowledgement"]["status"] == "Ok", metadata)
    expect(await client.get_flow(flow["flowId"], "Original") == content)
    print("search_flows by trackingId, get_flow: acknowledged, and the very bytes")
    messages = (
        await client.search_flows(
            flow_type="CustomerInvoiceLC", flow_direction="In", updated_after="2020-01-01T00:00:00Z"
        )
    )["results"]
    expect(messages)
    print(f"search_flows: {len(messages)} lifecycle messages")


async def by_the_server(given: dict[str, Any]) -> None:
    from fastmcp import Client
    from mcp_facture_electronique_fr.server import mcp

    document = given["documents"][1]
    asked = {
        "file_base64": document["content"], "file_name": document["name"], "flow_syntax": "UBL",
        "processing_rule": "B2B", "flow_type": "CustomerInvoice", "tracking_id": "mcp-tool-1",
    }  # fmt: skip
    async with Client(mcp) as client:
        first = json.loads((await client.call_tool("submit_flow", asked)).content[0].text)
        confirmed = asked | {"confirmation_token": first["token"]}
        sent = json.loads((await client.call_tool("submit_flow", confirmed)).content[0].text)
        got = await client.call_tool("get_flow", {"flow_id": sent["flowId"]})
    expect(sent["flowId"] in got.content[0].text, got)
    print("its MCP server: tools submit_flow, which is asked twice, and get_flow")


def main() -> None:
    given = json.load(sys.stdin)
    os.environ |= {
        "PA_BASE_URL_FLOW": f"{given['base_url']}/flow-service", "PA_TOKEN_URL": given["token_url"],
        "PA_CLIENT_ID": given["client_id"], "PA_CLIENT_SECRET": given["client_secret"], "PA_ORGANIZATION_ID": given["customer_id"],
    }  # fmt: skip
    asyncio.run(by_the_client(given))
    asyncio.run(by_the_server(given))


main()
