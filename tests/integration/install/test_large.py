"""A large table: nothing is rewritten, and nobody waits long."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.installations import build, install
from tests.rows import Rows

FILES = "select relname::text, relfilenode::text from pg_class where relname like 'factures%%' order by oid"
INSERT = "insert into factures (numero, siren, date_facture, total_ttc) values (%(n)s, '732829320', '2026-10-01', 1)"
LOCKS = """
select distinct l.mode from pg_locks l join pg_class c on c.oid = l.relation
where c.relname = 'factures' and l.granted and l.mode <> 'AccessShareLock' and l.pid <> pg_backend_pid()
"""


class Writer(threading.Thread):
    """An application that goes on inserting; how long each insert took, in seconds."""

    def __init__(self, bare: Rows) -> None:
        super().__init__()
        self._database, self._over = bare.session(), threading.Event()
        self.took: list[float] = []

    def run(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            self._database.rows(INSERT, {"n": f"W{len(self.took)}"})
            self.took.append(time.monotonic() - began)

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.mark.parametrize("columns", [(), ("--add-columns",)], ids=["trigger alone", "columns added"])
@pytest.mark.parametrize("rows", [10_000, pytest.param(5_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_nothing_is_rewritten_and_writers_go_on(bare: Rows, rows: int, columns: tuple[str, ...]) -> None:
    build(bare, "large", rows=str(rows))
    before: Any = bare.run(FILES)
    writer = Writer(bare)
    writer.start()

    install(bare, *columns)
    writer.stop()

    assert bare.run(FILES) == before
    assert bare.value("select count(*) from factures where numero like 'W%%'") == len(writer.took)
    print(f"{rows:,} rows: the longest of {len(writer.took):,} inserts took {max(writer.took):.3f} s")


def test_while_the_trigger_is_installed_readers_go_on(bare: Rows) -> None:
    build(bare, "large", rows="1000")
    install(bare)
    owner = bare.session()
    owner.rows("begin")
    owner.rows("select facteur.watch('public.factures', 'id')")

    assert [row.mode for row in bare.run(LOCKS)] == ["ShareRowExclusiveLock"]
    bare.run("select set_config('lock_timeout', '1s', false)")
    assert bare.value("select count(*) from factures") == 1000
    owner.rows("rollback")
