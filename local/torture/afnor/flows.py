"""What the platform has given by now: its flows, listed as the platform is when it does not lie, but for what nobody can attribute.

A status that a message gave is not asked for where the journal says which it is and why, and that is so (docs/platforms.md, "What cannot
be known"): its message could not be read or fetched in ten minutes; several deposits of the client bear its name; it calls a file a
duplicate, and there is another deposit of that name; its instant has more flows than are ever shown, or is the last one and has more than
a page. Nor is one whose message was another invoice's whenever it was asked for, and that more than once.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from local.simulator.afnor.http_token import PATH
from local.simulator.core.control import Simulator
from local.simulator.core.lifecycle import CODES
from local.torture.wire import Asked

SERVICE = "/flow-service"
# Flows that are not shown yet were not given, and dates are as exact as they were.
HONEST: Mapping[str, Any] = {
    "afnor_version": "1.3", "known_flow_types": [], "flow_order": "oldest", "search_ignores": [], "cursors": "right", "search_cap": 0,
    "search_most": 0, "search_shift": 0, "spellings": [], "quotes": [], "status_dates": [], "rate_limit": 0, "token_seconds": 1740,
    "organization_check": "off",
}  # fmt: skip
READER = "s3cret-of-a-reader"
EVER = "2000-01-01T00:00:00Z"
KINDS = ["CustomerInvoice", "CustomerInvoiceLC"]
ACKNOWLEDGED = "acknowledgement"
REFUSING = frozenset({"213", "501", f"{ACKNOWLEDGED} error"})
EXACT = frozenset({f"{ACKNOWLEDGED} ok", f"{ACKNOWLEDGED} error"})
CLOSING = REFUSING | {"210"}
ONE_BY_ONE = "history"  # a source that shows acknowledgements and no life cycle
OF_A_FLOW = re.compile(r"flow (\S+): ")
CROWDED = re.compile(r"the first flows of (\S+)$")
MISNAMED = re.compile(r"cdar_twists=(no_number|other_year|other_seller|unknown_invoice)")
UNATTRIBUTED = ("feed.ambiguous", "feed.duplicate")


def plain(code: str) -> str:
    """A code, however it is spelt and whatever is quoted behind it."""
    words = code.lower().split() or [""]
    return " ".join(words[:2]) if words[0] == ACKNOWLEDGED else words[0]


def given(simulator: Simulator, asked: Asked) -> dict[str, Counter[str]]:
    """The codes of each deposit's acknowledgement and messages."""
    ledger = simulator.ledger()
    unknown = unknown_in(asked.output, Counter(map(_name, ledger)))
    unknown.passed_over.update(always_misnamed(simulator.calls("flow")))
    said = {
        status_id: (deposit, CODES.get(code, code))
        for deposit in ledger
        for status_id, code in zip(deposit["status_ids"], deposit["statuses"], strict=True)
    }
    most_shown = simulator.call("GET", "settings")["search_cap"]
    simulator.clear_faults()
    simulator.configure(**HONEST)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    flows = {client_id: list(_flows(simulator, client_id)) for client_id in asked.clients}
    unknown.instants.update(each for shown in flows.values() for each in _last_of_a_page(shown, most_shown))
    for flow in (each for shown in flows.values() for each in shown):
        flow_id, acknowledged = flow["flowId"], flow["acknowledgement"]["status"]
        if flow["flowType"] == KINDS[0]:
            wanted = acknowledged == "Error" or not unknown.is_crowded(flow)
            if acknowledged != "Pending":
                found[flow_id][f"{ACKNOWLEDGED} {acknowledged.lower()}"] += wanted  # 0: it may be stored, and need not
        elif flow_id in said and asked.source != ONE_BY_ONE:
            deposit, code = said[flow_id]
            found[deposit["id"]][plain(code)] += not unknown.excuses(flow, deposit)
    return found


@dataclass(frozen=True, slots=True)
class Unknown:
    """Messages that the journal names as passed over or as nobody's, and instants of which not all is shown; how many bear a name."""

    names: Counter[tuple[Any, ...]]
    passed_over: set[str] = field(default_factory=set)
    unattributed: set[str] = field(default_factory=set)
    instants: set[str] = field(default_factory=set)

    def is_crowded(self, flow: Mapping[str, Any]) -> bool:
        return str(flow.get("updatedAt"))[:19] in self.instants

    def excuses(self, flow: Mapping[str, Any], deposit: Mapping[str, Any]) -> bool:
        shared = flow["flowId"] in self.unattributed and self.names[_name(deposit)] > 1
        return self.is_crowded(flow) or shared or flow["flowId"] in self.passed_over


def unknown_in(output: str, names: Counter[tuple[Any, ...]]) -> Unknown:
    found = Unknown(names)
    for line in _journal(output):
        if line.get("message") in UNATTRIBUTED:
            found.unattributed.add(str(line.get("status_id")))
        elif line.get("message") == "feed.passed_over":
            cause = str(line.get("cause"))
            found.passed_over.update(OF_A_FLOW.findall(cause))
            found.instants.update(each[:19] for each in CROWDED.findall(cause))
    return found


def always_misnamed(calls: Iterable[Mapping[str, Any]]) -> set[str]:
    """Messages that named another invoice whenever they were asked for, so often that they were asked for again."""
    fetched: defaultdict[str, list[bool]] = defaultdict(list)
    for each in calls:
        fetched[each["path"].rpartition("/")[2]].append(bool(MISNAMED.search(each["fault"] or "")))
    return {flow_id for flow_id, misnamed in fetched.items() if len(misnamed) > 1 and all(misnamed)}


def _last_of_a_page(flows: Iterable[Mapping[str, Any]], most_shown: int) -> Iterator[str]:
    """The last instant, where a page does not show it all and nothing behind it says so."""
    instants = Counter(str(flow.get("updatedAt"))[:19] for flow in flows)
    if most_shown and instants and instants[max(instants)] > most_shown:
        yield max(instants)


def _name(deposit: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a message says of an invoice, and whose it is."""
    return deposit["account"], deposit["number"], deposit["seller"]


def token(simulator: Simulator, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    answer = requests.post(simulator.auth_url + PATH, data=form, timeout=30)
    return str(answer.json()["access_token"])


def _journal(output: str) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        if '"feed.' not in line:
            continue
        try:
            yield json.loads(line)
        except ValueError:
            continue  # cut off with its worker


def _flows(simulator: Simulator, client_id: str) -> Iterator[dict[str, Any]]:
    simulator.rotate_secret(READER, client_id)
    headers = {"Authorization": f"Bearer {token(simulator, client_id, READER)}"}
    sent: dict[str, Any] = {"limit": 100, "where": {"updatedAfter": EVER, "flowType": KINDS}}
    while True:
        url = f"{simulator.base_url}{SERVICE}/v1/flows/search"
        page = requests.post(url, json=sent, headers=headers, timeout=30).json()
        yield from page["results"]
        if not page.get("nextCursor"):
            return
        sent["cursor"] = page["nextCursor"]
