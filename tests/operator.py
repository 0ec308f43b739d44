"""The command facteur, as a person at a terminal runs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from facteur.cli.main import app
from facteur.operate.dispatch import ACT, operate
from facteur.operate.wiring import deployed, operate_services

WIDE = {"COLUMNS": "200", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Operator:
    """Runs commands against a database, or against a deployed stack."""

    url: str
    stack: str | None = None

    def run(self, *arguments: str, answer: str = "") -> Printed:
        """`answer` is what is typed where the command asks."""
        result = CliRunner().invoke(app, [*arguments, *self._where()], input=answer, env=WIDE)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Printed(result.exit_code, result.stdout, result.stderr)

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the command would be answered, whatever it asks."""
        return deployed(f"{self.stack}-{ACT}", request) if self.stack else operate(request, operate_services(self.url))

    def ask(self, *arguments: str) -> Any:
        """The same, with --json."""
        said = self.run(*arguments, "--json")
        assert said.code in {0, 1}, said.err
        return json.loads(said.out)

    def _where(self) -> list[str]:
        return ["--stack", self.stack] if self.stack else ["--database", self.url]
