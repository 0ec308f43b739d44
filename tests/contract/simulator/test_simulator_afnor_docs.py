"""The page names each twist of a lifecycle message, and each switch of this wire is its alone."""

from __future__ import annotations

from dataclasses import fields

import pytest

from local.simulator.core.control import ROOT
from local.simulator.core.switches.afnor import CDAR_TWISTS, AfnorSwitches
from local.simulator.registry import PLATFORMS


@pytest.mark.parametrize("twist", CDAR_TWISTS)
def test_the_page_names(twist: str) -> None:
    (table,) = (ROOT / "docs" / "simulator-afnor.md").read_text().split("| Twist of a lifecycle message |")[1:]

    assert f"`{twist}`" in table


def test_no_switch_means_two_things() -> None:
    """Settings are one class: a name that two wires have is one switch there, with the words of one of them."""
    joined = {each.name: each.metadata for each in fields(PLATFORMS["afnor"].settings)}

    assert [each.name for each in fields(AfnorSwitches) if joined[each.name] != each.metadata] == []
