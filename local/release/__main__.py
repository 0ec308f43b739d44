"""Builds a release into .local/release: `make release`."""

from __future__ import annotations

import argparse
import shutil
import sys

from local.release.build import objections, published, uncommitted
from local.release.version import current
from local.sam import ROOT
from local.start import run_main

FOLDER = ROOT / ".local" / "release"


def main() -> None:
    """Write the folder anew, and say what is in it."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--tag", help="what it will be published as: what contradicts it ends the build")
    tag = parser.parse_args().tag
    if tag and (reasons := objections(tag)):
        sys.exit("\n".join(reasons))
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    files = published()
    for name, content in files.items():
        (FOLDER / name).write_bytes(content)
        print(f"{len(content) / 1024:9,.0f} KiB  {name}")
    print(f"{sum(map(len, files.values())) / 1024:9,.0f} KiB  {FOLDER.relative_to(ROOT)}, version {current()}")
    if changed := uncommitted():
        print(f"Not of a commit: {len(changed)} files differ from it.")


if __name__ == "__main__":
    run_main(main)
