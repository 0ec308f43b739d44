"""template.yaml as a program sees it, and its folders as archives in a bucket: what `sam package` does, without it."""

from __future__ import annotations

import copy
import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).resolve().parents[1]
DEPENDENCIES_LAYER = "DependenciesLayer"
FOLDER_PROPERTIES = ("CodeUri", "ContentUri")


class _TemplateLoader(yaml.SafeLoader):
    """YAML whose `!Ref x` and `!Sub x` become `{"Ref": x}` and `{"Fn::Sub": x}`."""


def _function_call(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_object(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_TemplateLoader.add_multi_constructor("!", _function_call)


def load_template(root: Path = ROOT) -> dict[str, Any]:
    """The template of the project at `root`, as CloudFormation's JSON form has it; the caller's own copy."""
    return copy.deepcopy(_read((root / "template.yaml").read_bytes()))


@functools.cache
def _read(text: bytes) -> dict[str, Any]:
    """Kept, for a template of this size takes half a second."""
    return dict(yaml.load(text, _TemplateLoader))  # noqa: S506 - a SafeLoader with tags of our own


def package(
    s3: S3Client, bucket: str, root: Path, parameters: Mapping[str, str], dependencies: Path | None
) -> dict[str, Any]:
    """The template with every local folder uploaded to the bucket and named by its place there.

    Args:
        s3: where the bucket is.
        bucket: an existing bucket.
        root: the project.
        parameters: values that the stack will be given.
        dependencies: the built dependency layer; without one an empty layer takes its place.
    """
    template = load_template(root)
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for key in FOLDER_PROPERTIES:
            if key in properties:
                folder = dependencies if logical_id == DEPENDENCIES_LAYER else root / properties[key]
                properties[key] = {"Bucket": bucket, "Key": _upload(s3, bucket, zipped(files_below(folder)))}
    _set_maximum_concurrency(template, parameters)
    _leave_out_metric_math(template)
    return template


def upload_template(s3: S3Client, bucket: str, template: Mapping[str, Any]) -> str:
    """The address of the template in the bucket, as `sam deploy` names it: inline, CloudFormation takes 51,200 bytes."""
    body = json.dumps(template).encode()
    key = f"{hashlib.sha256(body).hexdigest()}.template"
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def _set_maximum_concurrency(template: dict[str, Any], parameters: Mapping[str, str]) -> None:
    """Write the parameter's value in place of the reference: ministack compares it as the string that it arrives as."""
    for resource in template["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            scaling = event["Properties"].get("ScalingConfig", {})
            name = scaling.get("MaximumConcurrency", {}).get("Ref")
            if name:
                scaling["MaximumConcurrency"] = int(parameters.get(name, template["Parameters"][name]["Default"]))


def _leave_out_metric_math(template: dict[str, Any]) -> None:
    """ministack refuses alarms over several metrics; moto creates that one in the tests."""
    resources = template["Resources"]
    template["Resources"] = {
        name: each for name, each in resources.items() if "Metrics" not in each.get("Properties", {})
    }


def _upload(s3: S3Client, bucket: str, archive: bytes) -> str:
    key = f"{hashlib.sha256(archive).hexdigest()}.zip"
    s3.put_object(Bucket=bucket, Key=key, Body=archive)
    return key


def files_below(folder: Path | None) -> dict[str, bytes]:
    """The files of a folder by their place in it; of no folder, what makes an empty layer."""
    paths = (path for path in folder.rglob("*") if path.is_file()) if folder else ()
    names = {path.relative_to(folder or path): path for path in paths if "__pycache__" not in path.parts}
    return {name.as_posix(): path.read_bytes() for name, path in names.items()} or {"python/.empty": b""}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            archive.writestr(_entry(name), content)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # dated 1980, so that the archive depends on nothing but its content
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
