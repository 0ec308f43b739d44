"""How much the layers weigh when Lambda has unpacked them, and what of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import Distribution, distributions
from pathlib import Path

from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.simulator.core.control import ROOT

LAYER = ROOT / "layers" / "dependencies"
CORE = ROOT / "layers" / "core"
ARCHITECTURES = ("arm64", "x86_64")
LARGEST_BYTES = 30 * 1024 * 1024
MEBIBYTE = 1024 * 1024
OURS = "facteur (our layer)"


def package(_stage: Stage, _scale: float) -> Result:
    """Both architectures, built as `sam build` builds them."""
    figures, notes = [], []
    for architecture in ARCHITECTURES:
        with tempfile.TemporaryDirectory(prefix="facteur-layer-") as folder:
            sizes = weigh(build(architecture, Path(folder)))
        total = sum(sizes.values())
        figures.append(
            Figure(architecture, f"{total / MEBIBYTE:.1f} MiB", "limit", total / MEBIBYTE,
                   LARGEST_BYTES / MEBIBYTE, "at most", "MiB")
        )  # fmt: skip
        largest = sorted(sizes.items(), key=lambda item: -item[1])
        notes.append(
            f"{architecture}: " + ", ".join(f"{name} {size / MEBIBYTE:.2f}" for name, size in largest) + " MiB"
        )
    return Result(tuple(figures), "files of both layers, unpacked, without what is compiled on import", tuple(notes))


def build(architecture: str, folder: Path) -> Path:
    """The dependency layer, by the Makefile that `sam build` runs; where its packages lie."""
    uv = Path(sys.executable).with_name("uv")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    variables = {"UV_CACHE_DIR": str(ROOT / ".venv" / ".uv-cache"), **inherited}
    variables |= {"ARCH": architecture, "UV": str(uv), "ARTIFACTS_DIR": str(folder)}
    subprocess.run(["make", "--silent", "build-DependenciesLayer"], cwd=LAYER, env=variables, check=True)
    return folder / "python"


def weigh(packages: Path) -> dict[str, int]:
    """Bytes of each distribution in the dependency layer, and of our own layer."""
    sizes: defaultdict[str, int] = defaultdict(int)
    owners = {path: found.name for found in distributions(path=[str(packages)]) for path in _files(found)}
    for path in packages.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            sizes[owners.get(path.relative_to(packages).as_posix(), "of nobody")] += path.stat().st_size
    sizes[OURS] = sum(p.stat().st_size for p in CORE.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return dict(sizes)


def _files(found: Distribution) -> list[str]:
    return [path.as_posix() for path in found.files or ()]
