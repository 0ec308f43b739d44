"""Facteur with one protection switched off, in a lane only: the harness must find out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from facteur.adapters.postgres import Database
from local.torture.worker import Worker


@dataclass(frozen=True, slots=True)
class Mutant:
    """`prepare` changes the run's database, `worker` each worker after its fork."""

    about: str
    prepare: Callable[[Database], None] = lambda _database: None
    worker: Callable[[Worker], None] = lambda _worker: None


MUTANTS: dict[str, Mutant] = {}
