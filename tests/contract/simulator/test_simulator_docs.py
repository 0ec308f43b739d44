"""The docs page names everything there is."""

from __future__ import annotations

from dataclasses import fields
from itertools import chain

import pytest

from local.simulator.core import http_admin, http_faults
from local.simulator.core.companies import BEHAVIOURS
from local.simulator.core.control import ROOT
from local.simulator.core.faults import CATALOGUE
from local.simulator.core.settings import Settings
from local.simulator.server import API

PAGE = (ROOT / "docs" / "simulator.md").read_text()
NAMES = [
    *(f"`{name}`" for name in CATALOGUE),
    *(f"| `{each.name}` |" for each in fields(Settings)),
    *(f"| {code} |" for code in BEHAVIOURS),
    *(f"`{route.method} {route.path}`" for route in chain(API, http_admin.ROUTES, http_faults.ROUTES)),
    *(f"| `{route.kwargs['name']}` |" for route in API),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names(name: str) -> None:
    assert name in PAGE
