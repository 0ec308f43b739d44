"""The docs pages name everything there is, each platform's page what is its own."""

from __future__ import annotations

from dataclasses import fields
from itertools import chain

import pytest

from local.simulator.core import http_admin, http_faults
from local.simulator.core.companies import BEHAVIOURS
from local.simulator.core.control import ROOT
from local.simulator.core.faults import CATALOGUE
from local.simulator.core.settings import OWN, listed
from local.simulator.core.switches.common import Common
from local.simulator.registry import PLATFORMS

PAGES = {"iopole": "simulator.md", "superpdp": "simulator-superpdp.md", "afnor": "simulator-afnor.md"}
NAMES = [
    *(f"`{name}`" for name in CATALOGUE),
    *(f"| `{each.name}` |" for each in listed("iopole")),
    *(f"| {code} |" for code in BEHAVIOURS),
    *(f"`{route.method} {route.path}`" for route in chain(http_admin.ROUTES, http_faults.ROUTES)),
]
OF_A_PLATFORM = [
    *((name, f"| `{each.name}` |") for name in PAGES for each in fields(OWN[name])),
    *((name, f"`{each.name}`") for name in PAGES for each in fields(Common)),
    *((name, f"`{route.method} {route.path}`") for name in PAGES for route in PLATFORMS[name].routes),
    *((name, f"| `{route.kwargs['name']}` |") for name in PAGES for route in PLATFORMS[name].routes),
]


def page(platform: str) -> str:
    return (ROOT / "docs" / PAGES[platform]).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names(name: str) -> None:
    assert name in page("iopole")


@pytest.mark.parametrize(("platform", "name"), OF_A_PLATFORM)
def test_a_platforms_page_names(platform: str, name: str) -> None:
    assert name in page(platform)


def test_every_platform_has_a_page() -> None:
    assert set(PAGES) == set(PLATFORMS) == set(OWN)
