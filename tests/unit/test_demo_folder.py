"""A folder of one's own invoices: which are deposited, and why the others are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from local.demo.folder import read_folder
from local.invoices import render, sample_invoice


def test_a_second_file_of_a_number_is_left_out_as_a_duplicate(tmp_path: Path) -> None:
    first = sample_invoice(1)
    other = replace(sample_invoice(2), number=first.number, seller=first.seller)
    (tmp_path / "a.xml").write_bytes(render(first, "cii"))
    (tmp_path / "b.xml").write_bytes(render(other, "ubl"))

    found = read_folder(tmp_path)

    assert [case.file_name for case in found.cases] == ["a.xml"]
    assert found.left_out == (f"b.xml: the number {first.number} of a.xml, so it would be a duplicate",)


def test_the_same_number_of_another_seller_is_another_invoice(tmp_path: Path) -> None:
    first = sample_invoice(1)
    (tmp_path / "a.xml").write_bytes(render(first, "cii"))
    (tmp_path / "b.xml").write_bytes(render(replace(first, seller=replace(first.seller, siren="222222222")), "cii"))

    assert len(read_folder(tmp_path).cases) == 2


@pytest.mark.parametrize(
    ("before", "after", "lacking"),
    [
        (b"<ram:ID>F-2026-00001</ram:ID>", b"<ram:ID></ram:ID>", "a number (BT-1)"),
        (b'format="102">2026', b'format="102">soon', "an issue date (BT-2)"),
    ],
)
def test_what_a_document_lacks_is_said_alone(tmp_path: Path, before: bytes, after: bytes, lacking: str) -> None:
    content = render(sample_invoice(1), "cii")
    assert before in content
    (tmp_path / "a.xml").write_bytes(content.replace(before, after))

    assert read_folder(tmp_path).left_out == (f"a.xml: the document lacks {lacking}",)
