"""Whatever the simulator can get wrong is drawn for some platform's runs, or stands here with the reason why not."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import pytest

from local.simulator.core.faults import CATALOGUE, TRAVELS, fault_named
from local.simulator.core.settings import Settings
from local.torture import hostile, worker
from local.torture.afnor import hostile as of_afnor
from local.torture.findings import nameless
from local.torture.meetings import MIXED_UP, TWICE, met
from local.torture.schedule import KINDS, Happening, Order, Schedule
from local.torture.superpdp import hostile as of_superpdp
from local.torture.wires import WIRES

# The reason -> switches (all their values), values of switches, and faults.
NOT_DRAWN: Mapping[str, tuple[str, ...]] = {
    "who the platform's clients are, and how fast and random it is": (
        "client_id", "client_secret", "customer_id", "speed", "seed", "delay_submitted", "delay_issued", "delay_received",
        "delay_available", "delay_in_hand", "delay_decision", "delay_payment",
    ),
    "which invoices it refuses: here an invoice's kind says that": (
        "validate_schema", "open_directory", "known_sellers_only", "rejected_keeps_number", "structure_check=schema",
    ),
    "a happening, or an invoice of another software": (
        "mode=PUSH", "search_strangers=seller", "search_strangers=year", "search_strangers=inbound", "search_strangers=amount",
        "search_strangers=same", "search_strangers=number",
    ),
    "hidden for ever, which no client can distinguish from the truth": (
        "search_hides=older:", "search_hides=seller:", "search_hides=buyer:", "search_hides=number:", "acks=duplicate",
    ),
    "of requests that a torture's workers do not make": (
        "directory_empty", "send_status_code", "search_ignores=processingRule", "search_ignores=ackStatus",
        "unknown_flow_types=ignored",
    ),
    "another word for what is drawn: tests/contract and tests/unit read each": (
        "customer_id_check=required", "customer_id_check=off", "customer_id_code", "company_verification=failed", "search_states",
        "not_seen_shape=newStatus", "not_seen_shape=flat", "history_block", "history_unknown", "100", "400_list", "400_custom",
        "400_message", "400_tools", "413", "415", "422",
    ),
    "copies in other bytes than were sent: then keys, numbers and amounts decide, as tests/integration/submit/test_evidence.py has it": (
        "originals=converted",
    ),
}  # fmt: skip
DRAWS = 1500


def test_every_lie_of_the_simulator_is_drawn_or_left_out_for_a_reason() -> None:
    faults, switches = set(faults_drawn()), values_drawn()
    parsed = [fault_named(each) for each in faults]
    named = {name for each in parsed for name in (each.name, *(travel.name for travel in each.travels))}
    for name, value in chain.from_iterable(each.switches.items() for each in parsed):
        switches[name] |= words(value)

    left_out = {name for name in (*TRAVELS, *CATALOGUE) if name not in named | {"answer", "stored"}}
    left_out |= {each for field in fields(Settings) for each in undrawn(field, switches[field.name])}

    assert left_out == set(chain.from_iterable(NOT_DRAWN.values()))


def undrawn(field: Any, drawn: set[str]) -> Iterator[str]:
    """A switch of which nothing is drawn but the default; where it allows some words only, those that are not."""
    usual, choices = words(field.default), [str(each) for each in field.metadata["choices"]]
    if not choices and drawn <= usual:
        yield field.name
    for each in choices:
        if each not in drawn | usual and not any(begins_with(each, one) for one in drawn):
            yield f"{field.name}={each}"


def begins_with(choice: str, value: str) -> bool:
    """Of a choice such as `older:`, to which a value belongs."""
    return choice.endswith(":") and value.startswith(choice)


def words(value: Any) -> set[str]:
    return {str(each) for each in value} if isinstance(value, tuple | list) else {str(value)}


def dice(draw: int) -> tuple[Random, Random]:
    return Random(draw), Random(f"extra {draw}")  # noqa: S311  repeatable


def faults_drawn() -> Iterator[str]:
    yield from chain(hostile.DURING_OUTAGE, hostile.DURING_LIES, of_superpdp.DURING_LIES, of_afnor.DURING_LIES)
    yield from chain.from_iterable(kind.faults for kind in KINDS.values())
    for wire in WIRES.values():
        yield from chain(wire.hostility.on_deposit, wire.hostility.rare, *wire.hostility.by_endpoint.values())


def values_drawn() -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for wire in WIRES.values():
        for source in dict.fromkeys(wire.hostility.sources):
            for draw in range(DRAWS):
                drawn = wire.hostility.switches(*dice(draw), source, draw % 5 == 0)
                for name, value in chain(drawn.items(), wire.simulator.items()):
                    found[name] |= words(value)
        throw = wire.hostility.chances.get("throw")
        for thrown in [throw[2](dice(draw)[0]) for draw in range(50)] if throw else []:
            for name, value in chain(thrown["switches"].items(), thrown["back"].items()):
                found[name] |= words(value)
    return found


@pytest.mark.parametrize(
    ("deposit_id", "excused"),
    [
        ("01a22f69-f976-712d-a912-89e249ebc443", False),
        ("7310004", False),
        ("9" * 200, False),
        ("9" * 201, True),
        ("id\r\n", True),
    ],
)
def test_only_a_deposit_that_nobody_can_ask_for_may_be_no_invoices(deposit_id: str, excused: bool) -> None:
    assert nameless({"id": deposit_id}) is excused


def test_an_excuse_holds_for_its_own_fault_and_for_none_that_sounds_like_it() -> None:
    """`search_cache=previous` mixes up no deposit's id, and `external_id_twice` is a switch of each run of SUPER PDP."""
    none = Schedule("", 1, (Order(),), switches={"external_id_twice": "accepted", "history_refused": "shown"})
    sounding = Happening(1, "lie", details={"seconds": 60.0, "fault": "search_cache=previous"})
    late = Happening(1, "write_late", details={"orders": (Order(faults=("deposit_ids=previous",)),), "rounds": 1})

    assert not met(none) & (MIXED_UP | TWICE)
    assert not met(replace(none, happenings=(sounding,))) & MIXED_UP
    assert met(replace(none, happenings=(late,))) & MIXED_UP == {"deposit_ids=previous"}
    assert met(replace(none, orders=(Order(later=("previous+drip_head:0.002",)),))) & MIXED_UP == {"previous"}
    assert met(replace(none, rates={"files": {"previous": 0.1}})) & MIXED_UP == {"previous"}
    assert met(replace(none, orders=(Order("mute"),))) >= {"lifecycle_twists=never"}
    assert met(replace(none, orders=(Order(faults=("lifecycle_twists=twice",)),))) & TWICE == {"lifecycle_twists=twice"}
    assert met(replace(none, switches={"event_ids": "twice"})) & TWICE == {"event_ids=twice"}


def test_every_name_that_a_mutant_replaces_is_one_of_the_product() -> None:
    """Else its workers fail before they work, and nothing that is deposited passes for a mutant that was found."""
    sources = [path.read_text() for path in Path(worker.__file__).parent.rglob("*.py")]
    names = set(re.findall(r'switch\(\s*"(\w+)"', "".join(sources)))
    modules = [module for name, module in sys.modules.items() if name.startswith("facteur.")]

    assert names
    assert {name for name in names if not any(hasattr(module, name) for module in modules)} == set()
