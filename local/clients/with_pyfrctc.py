"""Runs in an environment that has pyfrctc: a seller's week by its public functions. Where the platform is comes by standard input."""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # http: the simulator is on this machine

import pyfrctc
import pyfrctc.pyfrctc
import requests

LONG_AGO = "2020-01-01T00:00:00Z"
SYNTAXES = {"cii": "CII", "ubl": "UBL", "pdf": "Factur-X"}


def advance(given: dict[str, Any], seconds: int) -> None:
    requests.post(f"{given['admin_url']}/_simulator/clock", json={"advance": seconds}, timeout=30).raise_for_status()


def expect(holds: Any, shown: Any = "") -> None:
    """End with what was shown instead."""
    if not holds:
        sys.exit(f"not as expected: {shown}")


def main() -> None:
    given = json.load(sys.stdin)
    # its table of platforms is data, and has one that is on the internet
    pyfrctc.pyfrctc.PLATFORMS["here"] = {
        "afnor_base_url": given["renamed_url"], "token_url": given["token_url"], "label": "simulator",
    }  # fmt: skip
    none = {"access_token": None, "expires_at": None}
    session = pyfrctc.get_session(
        "here", "client_credentials", "seller", lambda _method: none, lambda _token: None, given["client_id"], given["client_secret"]
    )  # fmt: skip
    expect(pyfrctc.healthcheck(session, type="flow") and pyfrctc.healthcheck(session, type="directory"))
    print("get_session by client credentials; healthcheck of both services")

    company = pyfrctc.get_directory_siren_parsed(session, given["buyer"])
    lines = pyfrctc.get_directory_lines_parsed(session, given["buyer"])
    expect(company["siren"] == given["buyer"] and lines, (company, lines))
    print(f"get_directory_siren_parsed, get_directory_lines_parsed: {len(lines)} line of {company['name']}")

    sent = {}
    for each in given["documents"]:
        content = base64.b64decode(each["content"])
        flow = pyfrctc.send_flow_parsed(session, content, each["name"], SYNTAXES[each["syntax"]], "B2B")
        sent[flow["flowId"]] = content
    print(f"send_flow_parsed: {len(sent)} flows, one of each syntax")

    advance(given, 300)
    shown = {each["flowId"]: each for each in pyfrctc.search_flows_parsed(session, LONG_AGO, "out", "CustomerInvoice")}
    expect(shown.keys() >= sent.keys(), (list(shown), list(sent)))
    expect({shown[each]["state"] for each in sent} == {"done"}, shown)
    for flow_id, content in sent.items():
        expect(pyfrctc.get_flow_metadata_parsed(session, flow_id)["state"] == "done")
        expect(pyfrctc.get_flow(session, flow_id, "Original") == content)
    print("search_flows_parsed, get_flow_metadata_parsed, get_flow: acknowledged, and the very bytes")

    messages = pyfrctc.search_flows_parsed(session, LONG_AGO, "in", "CustomerInvoiceLC")
    read = [pyfrctc.parse_cdar(pyfrctc.get_flow(session, each["flowId"], "Original")) for each in messages]
    said = sorted({(status["invoice_number"], status["status_code"]) for status in map(only, read)})
    expect({number for number, _ in said} == {each["number"] for each in given["documents"]}, said)
    print(
        f"parse_cdar: {len(read)} lifecycle messages, valid by its XSD: {' '.join(sorted({code for _, code in said}))}"
    )


def only(cdar: Any) -> Any:
    """The status of a message of one invoice, wherever its version puts it."""
    if isinstance(cdar, list):
        (cdar,) = cdar
    found = cdar.get("doc_status") or cdar
    if isinstance(found, list):
        found = found[0]
    return {**cdar, **found}


main()
