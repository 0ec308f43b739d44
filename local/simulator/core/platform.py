"""What the core must know of the platform whose wire it speaks. Each wire has one of these, and registry.py lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from local.simulator.core.accounts import Account
from local.simulator.core.settings import Settings

if TYPE_CHECKING:
    from local.simulator.core.world import World


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's wire: its routes, whose names are the endpoints of fault plan and call log, and its way of saying no.

    `open_to_all` are the endpoints that need no token; `door` refuses a request whose token is good, or lets it through.
    `bodies` are the JSON bodies that faults ask for by name, `receipt` what a deposit answers, of nothing that is there, and
    `receipt_id` its field with the id.
    """

    name: str
    title: str
    api: str
    routes: Sequence[web.RouteDef]
    token_path: str
    open_to_all: frozenset[str]
    door: Callable[[World, Account, web.Request], web.Response | None]
    error: Callable[[int, str], dict[str, object]]
    bodies: Callable[[int, str], dict[str, object]]
    receipt: Mapping[str, object]
    settings: Settings
    facts: Callable[[Settings], dict[str, str]]
    receipt_id: str = "id"

    @property
    def unnamed_receipt(self) -> dict[str, object]:
        """A receipt that does not say of which deposit."""
        return {key: value for key, value in self.receipt.items() if key != self.receipt_id}


PLATFORM = web.AppKey("platform", Platform)


def platform_of(request: web.Request) -> Platform:
    return request.app[PLATFORM]
