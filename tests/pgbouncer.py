"""PgBouncer, as Debian has it: a pool that gives each transaction whichever connection is free, as RDS Proxy does."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from local.start import start_error
from local.world.postgres import NOBODY, WORKER, free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
START_SECONDS = 20
CONFIG = """
[databases]
{name} = host={host} port={port} dbname={name}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {size}
"""


@contextmanager
def pooled(url: str, size: int, folder: Path) -> Iterator[str]:
    """The same database behind a pool of so many connections for each role; its URL."""
    assert PROGRAM, "pgbouncer is not installed"
    parts, listen, users = urlsplit(url), free_port(), folder / "users.txt"
    users.write_text(f'"{parts.username}" ""\n"{WORKER}" ""\n')
    config = folder / "pgbouncer.ini"
    name = parts.path.removeprefix("/")
    config.write_text(
        CONFIG.format(name=name, host=parts.hostname, port=parts.port, listen=listen, users=users, size=size)
    )
    given = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    for path in (folder, users, config):
        os.chown(path, NOBODY, NOBODY) if given else None
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, *given, config], cwd="/", stdout=log, stderr=log)
    try:
        pool = f"postgresql://{parts.username}@127.0.0.1:{listen}/{name}"
        _wait_until_ready(pool, process, folder / "pgbouncer.log")
        yield pool
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise start_error("PgBouncer", log) from None
            time.sleep(0.02)
        else:
            return
