"""`python -m local.interpreters 3.13`: where a Python of that version is. Exit code 1, and the reason, where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def interpreter(version: str) -> str | None:
    """One that runs: on the path, or among pyenv's, which its shims may hide."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [shutil.which(f"python{version}"), *map(str, sorted(root.glob(f"versions/{version}*/bin/python")))]
    return next((each for each in found if each and _is(each, version)), None)


def _is(path: str, version: str) -> bool:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and f"Python {version}." in done.stdout


if __name__ == "__main__":
    (wanted,) = sys.argv[1:]
    path = interpreter(wanted)
    if path is None:
        print(f"skipped: there is no Python {wanted} here", file=sys.stderr)
        sys.exit(1)
    print(path)
