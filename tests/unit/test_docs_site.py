"""The site of the documents: every page has its place, and README is its first one. `make docs` checks the links."""

from __future__ import annotations

import re
from types import SimpleNamespace

from local.docs_site import DOCS, ROOT, on_config, on_page_content, on_page_markdown

NAVIGATION = re.findall(r"^ +- .*: ([a-z0-9-]+\.md)", (ROOT / "properdocs.yml").read_text(), flags=re.MULTILINE)
MADE = {"index.md", "benchmarks.md"}  # from README.md; by a full `make bench`


def on_page(name: str, markdown: str) -> str:
    return on_page_markdown(markdown, page=SimpleNamespace(file=SimpleNamespace(src_uri=name)))


def test_every_page_is_in_the_navigation_once() -> None:
    pages = {path.name for path in DOCS.glob("*.md")}

    assert pages - {*NAVIGATION} == set()
    assert {*NAVIGATION} - pages <= MADE
    assert len(NAVIGATION) == len(set(NAVIGATION))


def test_the_menu_has_at_most_six_entries() -> None:
    menu = (ROOT / "properdocs.yml").read_text().partition("\nnav:\n")[2].partition("\n\n")[0]

    assert 1 < len(re.findall(r"^  - ", menu, flags=re.MULTILINE)) <= 6


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


def test_a_heading_that_begins_with_a_digit_gets_an_id_that_a_selector_may_name_and_keeps_githubs_anchor() -> None:
    digit = SimpleNamespace(id="1-look", level=2, children=[])
    title = SimpleNamespace(id="install", level=1, children=[digit])

    shown = on_page_content('<h1 id="install">I</h1><h2 id="1-look">1. Look</h2>', page=SimpleNamespace(toc=[title]))

    assert shown == '<h1 id="install">I</h1><a id="1-look"></a><h2 id="n-1-look">1. Look</h2>'
    assert (title.id, digit.id) == ("install", "n-1-look")


def test_a_picture_gets_a_frame_that_scrolls_before_its_letters_are_too_small() -> None:
    shown = on_page_content('<p><img alt="a demo" src="demo.svg" /></p>', page=SimpleNamespace(toc=[]))

    assert shown.startswith(
        '<div class="diagram"><img alt="a demo" style="width: 100%; min-width: 729px; max-width: 1312px'
    )
