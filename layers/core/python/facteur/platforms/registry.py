"""Which kinds of platform there are: the only list. Nothing else imports an adapter, and whoever needs none imports none."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facteur.platforms.port import Provider


def _iopole() -> Provider:
    from facteur.platforms.iopole import IOPOLE

    return IOPOLE


def _superpdp() -> Provider:
    from facteur.platforms.superpdp import SUPERPDP

    return SUPERPDP


def _afnor() -> Provider:
    from facteur.platforms.afnor import AFNOR

    return AFNOR


class Providers(Mapping[str, "Provider"]):
    """By name; each is imported when it is first asked for."""

    def __init__(self, kinds: Mapping[str, Callable[[], Provider]]) -> None:
        self._kinds = {name: functools.cache(kind) for name, kind in kinds.items()}

    def __getitem__(self, name: str) -> Provider:
        return self._kinds[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


PROVIDERS = Providers({"iopole": _iopole, "superpdp": _superpdp, "afnor": _afnor})
