"""Databases of companies that live already, in the shapes of tests/shapes, and what is there before and after."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from local.world.postgres import embedded_binaries
from tests.operator import Operator, Printed
from tests.rows import Rows

SHAPES = Path(__file__).parent / "shapes"
DOCUMENTS = "s3://documents/factur-x/{id}-factur-x.xml"
# Everything about the company's own schemas that a catalogue can show; facteur's is left out.
DUMP = ("--schema-only", "--exclude-schema=facteur", "--restrict-key=same")


def build(bare: Rows, shape: str, **values: str) -> None:
    """Run the shape's file in an empty database."""
    text = (SHAPES / f"{shape}.sql").read_text("utf-8")
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    bare.run(text)


def snapshot(url: str) -> str:
    """The company's schemas as pg_dump shows them."""
    return subprocess.check_output([embedded_binaries() / "pg_dump", *DUMP, url], text=True)


def contents(bare: Rows, table: str) -> Any:
    """A digest of every row, system columns included: an update that changes nothing shows."""
    return bare.run(f"select count(*), md5(string_agg(t::text || t.xmin::text, ',' order by t::text)) from {table} t")[
        0
    ]


def install(bare: Rows, *options: str, submit_from: str = "2026-09-01") -> Printed:
    """`facteur init --apply`, which must succeed."""
    result = Operator(bare.url).run("init", *options, "--apply", "--yes", "--submit-from", submit_from)
    assert result.code == 0, result.err
    return result
