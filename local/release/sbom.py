"""What is deployed, as CycloneDX 1.5: the packages that are locked, and the libraries that their wheels bring."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def sbom(exported: str, layers: Iterable[Path], moment: str) -> str:
    """uv's list, with what auditwheel noted in the wheels of these built layers; the same bytes for the same content.

    Args:
        moment: when, as the list says: the commit's, and not that of the build.
    """
    listed: dict[str, Any] = json.loads(exported)
    known = {each.get("purl") for each in listed["components"]}
    brought = {
        each["purl"]: each for layer in layers for each in _brought(layer) if each["purl"].startswith("pkg:rpm/")
    }
    listed["components"] += [brought[purl] for purl in sorted(brought.keys() - known)]
    listed["metadata"]["timestamp"] = moment
    del listed["serialNumber"]
    text = json.dumps(listed, sort_keys=True)
    listed["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, text)}"
    return json.dumps(listed, indent=2) + "\n"


def _brought(layer: Path) -> list[Mapping[str, Any]]:
    """The hash in a reference is of the file, of which a package may bring several."""
    files = sorted(layer.glob("*.dist-info/sboms/*.cdx.json"))
    return [each for file in files for each in json.loads(file.read_text("utf-8"))["components"]]
