"""What runs beside the tests and the demo listens on this machine's own address, and nowhere else."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from local.world.aws import aws_emulator
from local.world.postgres import postgres_server

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}  # 127.0.0.1 and ::1, as the kernel writes them
LISTEN = "0A"
PROC = Path("/proc")

pytestmark = pytest.mark.skipif(not PROC.exists(), reason="only Linux shows which process listens where")


def _listening(group: int) -> set[str]:
    """The addresses on which the processes of a group listen, as the kernel writes them."""
    inodes = {inode for process in PROC.glob("[0-9]*") if _in(process, group) for inode in _sockets(process)}
    lines = [line.split() for name in ("tcp", "tcp6") for line in (PROC / "net" / name).read_text().splitlines()[1:]]
    return {fields[1].partition(":")[0] for fields in lines if fields[3] == LISTEN and fields[9] in inodes}


def _in(process: Path, group: int) -> bool:
    try:
        return os.getpgid(int(process.name)) == group
    except OSError:
        return False


def _sockets(process: Path) -> list[str]:
    targets: list[str] = []
    with suppress(OSError):  # the process has gone
        for each in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                targets.append(os.readlink(each))
    return [target[len("socket:[") : -1] for target in targets if target.startswith("socket:[")]


def test_the_emulator_of_aws_listens_on_loopback_alone() -> None:
    with aws_emulator() as emulator:
        found = _listening(emulator.process.pid)

    assert found
    assert found <= LOOPBACK


def test_postgres_listens_on_loopback_alone() -> None:
    with postgres_server() as server:
        found = _listening(server.process.pid)

    assert found
    assert found <= LOOPBACK
