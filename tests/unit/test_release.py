"""What a release publishes: built from what git knows, complete, and the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path

import pytest

from local.release.build import NOTES, SUMS, checksums, objections, published, without_scripts
from local.release.template import packaged
from local.release.version import current, entries
from local.sam import ROOT, zipped

TEMPLATE = (ROOT / "template.yaml").read_text()
ARCHIVES = re.compile(r"(?:CodeUri|ContentUri|LicenseUrl|ReadmeUrl): (.+)")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_template_names_archives_and_one_processor(architecture: str) -> None:
    text = packaged(TEMPLATE, architecture)

    assert f"    Default: {architecture}\n    AllowedValues: [{architecture}]\n" in text
    named = ARCHIVES.findall(text)
    assert f"layer-dependencies-{architecture}.zip" in named
    assert all(each.endswith(".zip") or each in ("LICENSE", "README.md") for each in named)
    assert "BuildMethod" not in text


@pytest.mark.parametrize("lost", ["ContentUri: layers/core/", "BuildMethod: makefile", "[arm64, x86_64]", "CodeUri: "])
def test_a_template_of_another_form_ends_the_build(lost: str) -> None:
    with pytest.raises(ValueError, match=r"template\.yaml"):
        packaged(TEMPLATE.replace(lost, "Else: else"), "arm64")


def test_an_archive_depends_on_its_files_alone() -> None:
    files = {"b.py": b"two" * 99, "a.py": b"one"}

    assert zipped(files) == zipped(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(zipped(files))) as archive:
        assert archive.namelist() == ["a.py", "b.py"]


def test_the_checksums_are_those_of_sha256sum() -> None:
    digest = hashlib.sha256(b"content").hexdigest()

    assert checksums({"b": b"content", "a": b""}).splitlines()[1] == f"{digest}  b"


def test_a_tag_of_another_version_or_an_undated_one_ends_the_build() -> None:
    assert f"the tag is v9.9.9, the version of pyproject.toml {current()}" in objections("v9.9.9")
    undated = f"CHANGELOG.md says that {current()} is unreleased: make freeze DATE=…"
    assert (undated in objections(f"v{current()}")) is (entries(CHANGELOG)[0].date is None)


def test_a_layer_does_not_depend_on_where_the_python_lies_that_built_it() -> None:
    record = "python/idna-3.20.dist-info/RECORD"

    left = without_scripts(
        {record: b"bin/idna,sha256=7e7f,325\nidna/core.py,sha256=b1f9,9\n", "python/idna/core.py": b"bin/\n"}
    )

    assert left == {record: b"idna/core.py,sha256=b1f9,9\n", "python/idna/core.py": b"bin/\n"}


@pytest.mark.slow
def test_a_release_is_complete_and_the_same_each_time(tmp_path: Path) -> None:
    files = published()

    for name in (name for name in files if name.startswith("template-")):
        assert set(ARCHIVES.findall(files[name].decode())) <= files.keys()
    assert files == published()
    assert files[SUMS].decode() == checksums({name: each for name, each in files.items() if name != SUMS})
    assert files[NOTES].decode().strip() == entries(CHANGELOG)[0].text
    with zipfile.ZipFile(io.BytesIO(files["layer-core.zip"])) as core:
        assert "python/facteur/sql/schema/0001_schema.sql" in core.namelist()
    with zipfile.ZipFile(io.BytesIO(files[f"facteur-{current()}-py3-none-any.whl"])) as wheel:
        names = {name.rpartition("/")[2] for name in wheel.namelist()}
        assert {"LICENSE", "0001_schema.sql", "rds-global-bundle.pem", "py.typed"} <= names
        wheel.extract(f"facteur-{current()}.dist-info/METADATA", tmp_path)
    assert f"Version: {current()}" in next(tmp_path.rglob("METADATA")).read_text()
