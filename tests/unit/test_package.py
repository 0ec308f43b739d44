"""The layers stay small, and what makes them grow is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.bench.package import ARCHITECTURES, LARGEST_BYTES, OURS, build, weigh

KIB = 1024
# What each distribution may weigh, unpacked, in KiB: measured, and a tenth on top. A new one has to be written down here.
ALLOWED = {
    "arm64": {"psycopg2-binary": 17_980, "charset-normalizer": 990},
    "x86_64": {"psycopg2-binary": 12_630, "charset-normalizer": 810},
}
ALLOWED_EVERYWHERE = {
    "aws_lambda_powertools": 3_820, "urllib3": 490, OURS: 1_470, "idna": 370, "certifi": 260, "requests": 250,
    "typing_extensions": 195, "jmespath": 80, "of nobody": 1,
}  # fmt: skip


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sizes(architecture: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    return weigh(build(architecture, tmp_path_factory.mktemp(architecture)))


def test_both_layers_together_stay_below_thirty_mebibytes(sizes: dict[str, int]) -> None:
    assert sum(sizes.values()) < LARGEST_BYTES, said(sizes)


def test_no_distribution_has_grown_or_come_unnoticed(architecture: str, sizes: dict[str, int]) -> None:
    allowed = ALLOWED_EVERYWHERE | ALLOWED[architecture]

    grown = {name: size for name, size in sizes.items() if size > allowed.get(name, 0) * KIB}

    assert not grown, f"larger than the table in this test allows: {said(grown)}"


def test_a_distribution_that_has_come_is_weighed_by_name(tmp_path: Path) -> None:
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").write_bytes(b"#" * 5000)
    (tmp_path / "heavy-1.0.dist-info").mkdir()
    (tmp_path / "heavy-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: heavy\nVersion: 1.0\n")
    (tmp_path / "heavy-1.0.dist-info" / "RECORD").write_text(
        "heavy/__init__.py,,5000\nheavy-1.0.dist-info/METADATA,,\n"
    )

    assert 5000 < weigh(tmp_path)["heavy"] < 5100


def said(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name} {size / KIB:,.0f} KiB" for name, size in sorted(sizes.items(), key=lambda item: -item[1]))
