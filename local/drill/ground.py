"""What a drill is made on: the kept demo, and a company that goes on writing invoices."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from local.demo.application import Application
from local.demo.cases import ordinary_case
from local.demo.keep import upload
from local.demo.stage import STACK, Stage
from local.invoices import BUYERS
from local.world.deploy import change_parameters

APPROVES = BUYERS[0]


class Ground:
    """Levers on everything that can break. Whatever is written is an invoice that must be deposited once the drill is over."""

    def __init__(self, scene: Stage) -> None:
        self.scene = scene
        self.written: list[int] = []  # since the last breakage
        self.numbers: list[str] = []
        self._rank = 100

    def begin(self) -> None:
        self.written, self.numbers = [], []

    def number_to_come(self) -> str:
        """The number of the next invoice that `write` writes."""
        return ordinary_case(self._rank + 1, APPROVES).number

    def write(self, invoices: int = 1) -> None:
        """So many finished invoices more, as the application writes them."""
        cases = [ordinary_case(self._rank + n, APPROVES) for n in range(1, invoices + 1)]
        self._rank += invoices
        uris = upload(cases, self.scene)
        with closing(Application(self.scene.database_url)) as application:
            self.written += application.write(cases, uris)
        self.numbers += [case.number for case in cases]

    def all_deposited(self) -> bool:
        """Whether everything written since the breakage is at the platform, exactly once, and its row says so."""
        rows = self.rows(
            "select count(*) from invoicing.invoices where id = any(%(ids)s) and technical_status = 'validated'",
            {"ids": self.written},
        )
        return bool(rows[0][0] == len(self.written) > 0)

    def rows(self, statement: str, values: Any = None) -> list[Any]:
        """Run a statement as the company's owner, with a clear path."""
        with closing(psycopg2.connect(self.scene.database_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

    def facteur(self, *words: str) -> None:
        """What somebody else has done with the command facteur."""
        command = [str(Path(sys.executable).with_name("facteur")), *words, "--stack", STACK, "--yes", "--who", "anna"]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | self.scene.aws.environ())

    def client(self, service: str) -> Any:
        return self.scene.aws.session.client(service, endpoint_url=self.scene.aws.endpoint_url)  # type: ignore[call-overload]

    def deploy(self, **parameters: str) -> None:
        """Deploy the stack with other parameters."""
        change_parameters(self.scene.aws, STACK, parameters)

    def parameter(self, name: str) -> str:
        """A parameter of the stack as it was deployed last."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return next(str(each["ParameterValue"]) for each in stack["Parameters"] if each["ParameterKey"] == name)
