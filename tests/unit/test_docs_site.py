"""The site of the documents: every page has its place, and README is its first one. `make docs` checks the links."""

from __future__ import annotations

import re
from types import SimpleNamespace

from local.docs_site import DOCS, ROOT, on_config, on_page_markdown

NAVIGATION = re.findall(r"^ +- .*: ([a-z0-9-]+\.md)", (ROOT / "properdocs.yml").read_text(), flags=re.MULTILINE)
MADE = {"index.md", "benchmarks.md"}  # from README.md; by a full `make bench`


def on_page(name: str, markdown: str) -> str:
    return on_page_markdown(markdown, page=SimpleNamespace(file=SimpleNamespace(src_uri=name)))


def test_every_page_is_in_the_navigation_once() -> None:
    pages = {path.name for path in DOCS.glob("*.md")}

    assert pages - {*NAVIGATION} == set()
    assert {*NAVIGATION} - pages <= MADE
    assert len(NAVIGATION) == len(set(NAVIGATION))


def test_a_page_that_does_not_exist_yet_is_left_out_of_the_navigation() -> None:
    config = {"nav": [{"Start": "index.md"}, {"More": [{"Demo": "demo.md"}, {"Nothing": "nothing.md"}]}]}

    on_config(config)

    assert config["nav"] == [{"Start": "index.md"}, {"More": [{"Demo": "demo.md"}]}]


def test_readmes_links_fit_the_site_and_those_to_the_code_become_paths() -> None:
    shown = on_page("index.md", "[a](docs/demo.md#x) [b](layers/core) [c](https://example.org) [d](#states)")

    assert shown == "[a](demo.md#x) b (`layers/core`) [c](https://example.org) [d](#states)"


def test_links_between_pages_stay_and_broken_ones_are_left_to_be_found() -> None:
    shown = on_page("demo.md", "[a](operate.md) [b](../README.md#states) [c](../nothing.py) [d](nowhere.md)")

    assert shown == "[a](operate.md) [b](index.md#states) [c](../nothing.py) [d](nowhere.md)"


def test_what_belongs_to_an_item_of_a_list_stays_in_it_and_code_stays_as_it_is() -> None:
    item = "1. Do:\n\n   ```sh\n   a\n     b\n   ```\n\n   Then this.\n2. Next"

    shown = on_page("demo.md", f"{item}\n\n```text\n   kept\n```")

    assert shown == ("1. Do:\n\n    ```sh\n    a\n      b\n    ```\n\n    Then this.\n2. Next\n\n```text\n   kept\n```")
