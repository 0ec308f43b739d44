"""The template as it is published: its folders are archives that lie beside it."""

from __future__ import annotations

import re

LAYERS = {"layers/core/": "layer-core.zip", "layers/dependencies/": "layer-dependencies-{}.zip"}
BUILT_BY_MAKE = "      BuildMethod: makefile\n      BuildArchitecture: !Ref Architecture\n"
ARCHITECTURE = re.compile(r"(    Default: )arm64(\n    AllowedValues: )\[arm64, x86_64\]")


def packaged(text: str, architecture: str) -> str:
    """The template for one processor, whose packages are in its layer.

    Raises:
        ValueError: the template has another form than this knows.
    """
    for folder, archive in LAYERS.items():
        text = _once(text, f"ContentUri: {folder}\n", f"ContentUri: {archive.format(architecture)}\n")
    text = _once(text, BUILT_BY_MAKE, "      SkipBuild: true\n")
    text, architectures = ARCHITECTURE.subn(rf"\g<1>{architecture}\g<2>[{architecture}]", text)
    text, functions = re.subn(r"CodeUri: functions/(\w+)/\n", r"CodeUri: function-\1.zip\n", text)
    if not functions or architectures != 1:
        raise ValueError("template.yaml names its functions or its processors in another form")
    return text


def _once(text: str, before: str, after: str) -> str:
    if text.count(before) != 1:
        raise ValueError(f"template.yaml does not have {before!r} once")
    return text.replace(before, after)
