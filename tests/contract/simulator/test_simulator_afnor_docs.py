"""The docs page names all that this wire has."""

from __future__ import annotations

from dataclasses import fields

import pytest

from local.simulator.core.control import ROOT
from local.simulator.core.switches.afnor import CDAR_TWISTS, AfnorSwitches
from local.simulator.registry import PLATFORMS

PAGE = (ROOT / "docs" / "simulator-afnor.md").read_text()
NAMES = [
    *(f"| `{each.name}` |" for each in fields(AfnorSwitches)),
    *(f"`{each}`" for each in CDAR_TWISTS),
    *(f"| `{route.method} {route.path}` |" for route in PLATFORMS["afnor"].routes),
    *(f"| `{route.kwargs['name']}` |" for route in PLATFORMS["afnor"].routes),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names(name: str) -> None:
    assert name in PAGE


def test_no_switch_means_two_things() -> None:
    """Settings are one class: a name that two wires have is one switch there, with the words of one of them."""
    joined = {each.name: each.metadata for each in fields(PLATFORMS["afnor"].settings)}

    assert [each.name for each in fields(AfnorSwitches) if joined[each.name] != each.metadata] == []
