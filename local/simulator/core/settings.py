"""Every switch of the simulator with its default; command line, admin API and docs follow this list."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from local.simulator.core.switches.afnor import AfnorSwitches
from local.simulator.core.switches.common import Common
from local.simulator.core.switches.iopole import IopoleSwitches
from local.simulator.core.switches.superpdp import SuperPdpSwitches

T = TypeVar("T")
USUAL_STRANGERS = ("seller", "year", "inbound")


@dataclass(frozen=True, slots=True)
class Settings(SuperPdpSwitches, IopoleSwitches, AfnorSwitches, Common):
    """Every switch there is: a platform's wire reads the common ones and its own, which `listed` names."""


OWN: dict[str, type] = {"iopole": IopoleSwitches, "superpdp": SuperPdpSwitches, "afnor": AfnorSwitches}


def listed(platform: str) -> list[dataclasses.Field[Any]]:
    """The switches that mean something on a platform's wire."""
    return [*dataclasses.fields(Common), *dataclasses.fields(OWN[platform])]


KINDS: dict[object, Callable[[Any], Any]] = {bool: bool, int: int, float: float, str: str}
NAMES = {each.name: each for each in dataclasses.fields(Settings)}


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some switches thrown; ValueError names the unknown ones and those with an impossible value."""
    unknown = sorted(set(changes) - set(NAMES))
    if unknown:
        raise ValueError(f"no such switch: {', '.join(unknown)}")
    return dataclasses.replace(settings, **{name: converted(name, value) for name, value in changes.items()})


def converted(name: str, value: Any) -> Any:
    """A switch's value from JSON or from the command line, in the type of its default."""
    default = NAMES[name].default
    if name == "search_strangers" and str(value).lower() in {"true", "on", "false", "off"}:
        return USUAL_STRANGERS if str(value).lower() in {"true", "on"} else ()
    if isinstance(default, tuple):
        words = value.split(",") if isinstance(value, str) else value
        return tuple(allowed(name, str(word)) for word in words if word)
    if isinstance(default, bool) and isinstance(value, str):
        return value.lower() in {"1", "true", "yes", "on"}
    return allowed(name, KINDS[type(default)](value))


def allowed(name: str, value: T) -> T:
    choices = NAMES[name].metadata["choices"]
    beginnings = tuple(choice for choice in choices if choice.endswith(":"))
    if choices and value not in choices and not (beginnings and str(value).startswith(beginnings)):
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value
