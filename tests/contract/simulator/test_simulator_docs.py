"""The docs page names everything there is."""

from __future__ import annotations

from itertools import chain

import pytest

from local.simulator.core import http_admin, http_faults
from local.simulator.core.companies import BEHAVIOURS
from local.simulator.core.control import ROOT
from local.simulator.core.faults import CATALOGUE
from local.simulator.core.settings import listed
from local.simulator.registry import PLATFORMS

PAGE = (ROOT / "docs" / "simulator.md").read_text()
API = PLATFORMS["iopole"].routes
NAMES = [
    *(f"`{name}`" for name in CATALOGUE),
    *(f"| `{each.name}` |" for each in listed("iopole")),
    *(f"| {code} |" for code in BEHAVIOURS),
    *(f"`{route.method} {route.path}`" for route in chain(API, http_admin.ROUTES, http_faults.ROUTES)),
    *(f"| `{route.kwargs['name']}` |" for route in API),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names(name: str) -> None:
    assert name in PAGE
