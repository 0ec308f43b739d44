"""Everything that a release publishes, in one folder: the same bytes for the same commit."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.bench.package import ARCHITECTURES, build
from local.notices import notices
from local.release.sbom import sbom
from local.release.template import LAYERS, packaged
from local.release.version import current, entries
from local.sam import ROOT, files_below, zipped

SUMS = "SHA256SUMS"
NOTES = "CHANGES.md"
EXPORT = ("export", "--locked", "--quiet", "--no-default-groups", "--no-emit-project", "--format", "cyclonedx1.5")


def published() -> dict[str, bytes]:
    """Every file of the release by its name, from the files that git knows; the checksums are among them."""
    tracked = _tracked()
    with tempfile.TemporaryDirectory(prefix="facteur-release-") as folder:
        layers = {each: build(each, Path(folder) / each) for each in ARCHITECTURES}
        files = {
            **_wheel(Path(folder) / "wheel", tracked),
            **_functions(tracked),
            LAYERS["layers/core/"]: zipped(_below("layers/core/", tracked)),
            **{
                LAYERS["layers/dependencies/"].format(each): zipped(without_scripts(files_below(layer.parent)))
                for each, layer in layers.items()
            },
            "THIRD_PARTY_NOTICES.md": notices(layers.values()).encode(),
            "facteur.cdx.json": sbom(_uv(*EXPORT), layers.values(), _git("log", "-1", "--format=%cI").strip()).encode(),
        }
    template, changelog = tracked["template.yaml"].decode(), tracked["CHANGELOG.md"].decode()
    files |= {f"template-{each}.yaml": packaged(template, each).encode() for each in ARCHITECTURES}
    files |= {name: tracked[name] for name in ("LICENSE", "README.md")}
    files[NOTES] = f"{entries(changelog)[0].text}\n".encode()
    return files | {SUMS: checksums(files).encode()}


def checksums(files: Mapping[str, bytes]) -> str:
    """A line a file, as `sha256sum --check` reads it."""
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))


def without_scripts(layer: Mapping[str, bytes]) -> dict[str, bytes]:
    """A layer whose lists of files leave out the programs that the layer does not have: their checksums depend on where Python lies."""
    return {
        name: re.sub(rb"(?m)^bin/.*\n", b"", content) if name.endswith(".dist-info/RECORD") else content
        for name, content in layer.items()
    }


def uncommitted() -> list[str]:
    """The files that differ from the commit that is checked out."""
    return _git("status", "--porcelain").splitlines()


def objections(tag: str) -> list[str]:
    """Why this code is not to be published under a tag; a sentence each."""
    version = current()
    newest = entries((ROOT / "CHANGELOG.md").read_text("utf-8"))[0]
    reasons = {
        f"the tag is {tag}, the version of pyproject.toml {version}": tag != f"v{version}",
        f"CHANGELOG.md begins with {newest.version}": newest.version != version,
        f"CHANGELOG.md says that {newest.version} is unreleased: make freeze DATE=…": newest.date is None,
        f"not committed: {', '.join(uncommitted())}": bool(uncommitted()),
    }
    return [reason for reason, holds in reasons.items() if holds]


def _tracked() -> dict[str, bytes]:
    names = _git("ls-files", "-z").split("\0")
    return {name: (ROOT / name).read_bytes() for name in names if name and (ROOT / name).is_file()}


def _below(folder: str, tracked: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name.removeprefix(folder): content for name, content in tracked.items() if name.startswith(folder)}


def _functions(tracked: Mapping[str, bytes]) -> dict[str, bytes]:
    folders = sorted({name.split("/")[0] for name in _below("functions/", tracked)})
    return {f"function-{each}.zip": zipped(_below(f"functions/{each}/", tracked)) for each in folders}


def _wheel(folder: Path, tracked: Mapping[str, bytes]) -> dict[str, bytes]:
    """From a copy, so that no file gets into it that git does not know."""
    source = folder / "source"
    for name, content in tracked.items():
        if name.startswith("layers/core/") or name in ("pyproject.toml", "README.md", "LICENSE"):
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    _uv("build", "--wheel", "--quiet", "--out-dir", str(folder), str(source))
    (wheel,) = folder.glob("*.whl")
    return {wheel.name: wheel.read_bytes()}


def _uv(*arguments: str) -> str:
    variables = {"UV_CACHE_DIR": str(ROOT / ".venv" / ".uv-cache"), **os.environ}
    return _output([str(Path(sys.executable).with_name("uv")), *arguments], variables)


def _git(*arguments: str) -> str:
    return _output(["git", "-c", "safe.directory=*", *arguments], os.environ)


def _output(command: Sequence[str], variables: Mapping[str, str]) -> str:
    return subprocess.run(command, cwd=ROOT, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout
