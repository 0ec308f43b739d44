"""The code of each release, kept in the repository: tests upgrade from it. `make freeze` writes it.

Its schema files never change any more, and its handlers run on the schema of every later version.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tarfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from local.release.version import current, dated, entries
from local.sam import ROOT
from local.start import run_main

RELEASED = ROOT / "tests" / "released"
FOLDERS = ("layers/core/python/facteur", "functions")
KEPT = {".py", ".sql"}  # what a database and an operator see; not the bundle of certificates
TEMPLATE = "template.yaml"
NAME = re.compile(r"facteur-(\d+\.\d+\.\d+)\.tar\.xz")


def archives() -> dict[str, Path]:
    """Version and archive of each, the oldest first."""
    found = {match[1]: path for path in RELEASED.iterdir() if (match := NAME.fullmatch(path.name))}
    return dict(sorted(found.items(), key=lambda each: [int(part) for part in each[0].split(".")]))


def code(root: Path = ROOT) -> dict[str, bytes]:
    """The files of this code that are kept, by their place in the repository."""
    paths = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in KEPT]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted([*paths, root / TEMPLATE])}


def packed(files: Mapping[str, bytes]) -> bytes:
    """An archive, the same bytes for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpacked(archive: Path) -> dict[str, bytes]:
    """The files of an archive, as `code` has them."""
    with tarfile.open(archive) as opened:
        return {entry.name: opened.extractfile(entry).read() for entry in opened}  # type: ignore[union-attr]


def freeze(released: str | None = None) -> Path:
    """Keep this code under its version, and date the changelog's entry where a day is named.

    Raises:
        SystemExit: the version is released already, or the changelog is about another one.
    """
    changelog, version = ROOT / "CHANGELOG.md", current()
    newest = entries(changelog.read_text("utf-8"))[0]
    if newest.version != version:
        sys.exit(f"CHANGELOG.md begins with {newest.version}, pyproject.toml says {version}: write its entry first")
    if newest.date:
        sys.exit(f"{version} was released on {newest.date}: begin the next version first (CONTRIBUTING.md)")
    archive = RELEASED / f"facteur-{version}.tar.xz"
    archive.write_bytes(packed(code()))
    if released:
        changelog.write_text(dated(changelog.read_text("utf-8"), released), "utf-8")
    return archive


def main() -> None:
    parser = argparse.ArgumentParser(prog="make freeze", description=__doc__)
    parser.add_argument("--date", type=date.fromisoformat, help="the day of the release: YYYY-MM-DD")
    day = parser.parse_args().date
    print(freeze(day.isoformat() if day else None).relative_to(ROOT))


if __name__ == "__main__":
    run_main(main)
