"""Print the tables and views of facteur as the migrations make them: `make generate`."""

from __future__ import annotations

import subprocess
import sys

from facteur.install.migrate import migrate
from facteur.postgres.database import Database
from local.start import run_main
from local.world.postgres import embedded_binaries, postgres_server

OPTIONS = ("--schema-only", "--table=facteur.*", "--no-owner", "--no-privileges")
# What differs from run to run, or says nothing of the schema.
NOISE = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict")


def dump(url: str) -> str:
    """Tables, views, constraints, and indexes of a migrated database, by the pg_dump of the embedded Postgres, whose version is pinned."""
    printed = subprocess.run(
        [embedded_binaries() / "pg_dump", *OPTIONS, url], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    lines = [line for line in printed.splitlines() if not line.startswith(NOISE)]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(["-- Made by `make generate`: do not edit.", *kept]).rstrip() + "\n"


def main() -> None:
    """Migrate a throw-away server and print its schema."""
    with postgres_server() as server:
        database = Database(lambda: {"dsn": server.url()})
        migrate(database)
        database.close()
        sys.stdout.write(dump(server.url()))


if __name__ == "__main__":
    run_main(main)
