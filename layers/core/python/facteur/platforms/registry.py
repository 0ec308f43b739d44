"""Which kinds of platform there are: the only list. Nothing else imports an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from facteur.platforms.iopole import IOPOLE
from facteur.platforms.port import Provider

PROVIDERS: Mapping[str, Provider] = MappingProxyType({each.name: each for each in (IOPOLE,)})
