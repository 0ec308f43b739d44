"""One request to a simulator, and the answer that is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from local.openapi.asked import Asked
from local.simulator.core.control import Simulator

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Exchange:
    """`template` is the path as the file writes it, `values` what stands in its braces, `more` what requests takes."""

    method: str
    template: str
    status: int
    values: Mapping[str, object] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def done_with(self, simulator: Simulator, headers: Mapping[str, str], base: str = "") -> requests.Response:
        """The answer; ValueError where it is not even the status that was expected."""
        url = simulator.base_url + base + self.template.format(**self.values)
        own = {**headers, **self.more.get("headers", {})}
        rest = {key: value for key, value in self.more.items() if key != "headers"}
        answer = requests.request(self.method, url, headers=own, timeout=TIMEOUT_SECONDS, **rest)
        if answer.status_code != self.status:
            raise ValueError(
                f"{self.method} {self.template}: {answer.status_code} instead of {self.status}, {answer.text}"
            )
        return answer


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked of one platform's simulator, by us and by Facteur itself (`asks`).

    `title` is how its file's title begins, whatever the file is called, and `version` its version. `base` stands before the file's paths.
    """

    platform: str
    title: str
    switches: Mapping[str, Any]
    corrected: Mapping[str, str]
    entered: Callable[[Simulator], Mapping[str, str]]
    exchanges: Callable[[Simulator], Iterator[Exchange]]
    asks: Callable[[Simulator], list[Asked]]
    version: str = ""
    base: str = ""

    def is_about(self, title: str, version: str) -> bool:
        return title.startswith(self.title) and version.startswith(self.version)
