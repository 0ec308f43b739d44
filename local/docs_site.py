"""What the site needs beyond the pages of docs/: hooks of ProperDocs, which `make docs` runs in an environment of its own.

README.md is the first page; pages that do not exist are left out of the navigation; diagrams are drawn at build, so that
no page asks another host for a program.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LEAST_TEXT = 10  # pixels: a diagram is never drawn with smaller letters, it scrolls instead
VIEW_BOX = re.compile(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"')
FONT_SIZE = re.compile(r'font-size[:=]"?\s*([\d.]+)')
PICTURE = re.compile(r'(?:<p>)?<img alt="([^"]*)" src="([^":]+\.svg)" ?/?>(?:</p>)?')
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)#]+)((?:#[^)]*)?)\)")


def on_config(config: Any) -> None:
    """Leaves pages that do not exist out of the navigation."""
    config["nav"] = list(_existing(config["nav"]))


def on_files(files: Any, config: Any) -> None:
    """Adds README.md as the first page."""
    from properdocs.structure.files import File

    files.append(File.generated(config, "index.md", content=(ROOT / "README.md").read_text()))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Makes links fit the site, and draws the diagrams."""
    folder = ROOT if page.file.src_uri == "index.md" else DOCS
    linked = "\n".join(_indented(LINK.sub(_within(folder), markdown).splitlines()))
    return re.sub(r"```mermaid\n(.*?)```", _drawing, linked, flags=re.DOTALL)


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Gives pictures room, and makes anchors that begin with a digit ones that the theme's menu of the page can follow.

    Bootstrap looks a heading up by a CSS selector, which may not begin with a digit, and its script ends there. Such a heading gets
    another id, which the menu uses; the one that GitHub makes stays beside it, for links.
    """
    for item in _headings(page.toc):
        if item.id[:1].isdigit():
            html = html.replace(
                f'<h{item.level} id="{item.id}">', f'<a id="{item.id}"></a><h{item.level} id="n-{item.id}">'
            )
            item.id = f"n-{item.id}"
    return PICTURE.sub(_picture, html)


def _headings(items: Any) -> Iterator[Any]:
    for item in items:
        yield item
        yield from _headings(item.children)


def _indented(lines: list[str]) -> Iterator[str]:
    """What belongs to an item of a list, by four spaces: GitHub takes the three that `1. ` asks for, Python-Markdown does not."""
    within = outside = False  # of a block of code in an item, and of any other
    for line in lines:
        outside ^= line.startswith("```")
        opens = not outside and line.startswith("   ```")
        shifted = not outside and (within or opens or (line.startswith("   ") and line[3:4].strip() != ""))
        within ^= opens
        yield f" {line}" if shifted else line


def _existing(entries: list[Any]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        ((title, target),) = entry.items()
        if isinstance(target, list):
            yield {title: list(_existing(target))}
        elif target == "index.md" or (DOCS / target).exists():
            yield entry


def _within(folder: Path) -> Callable[[re.Match[str]], str]:
    """A link's text for the site: README lies above docs/, and what lies outside of both is named, not linked."""

    def replaced(link: re.Match[str]) -> str:
        text, target, anchor = link.groups()
        path = (folder / target).resolve()
        if path == ROOT / "README.md":
            return f"[{text}](index.md{anchor})"
        if path.is_relative_to(DOCS):
            return f"[{text}]({path.relative_to(DOCS)}{anchor})"
        if path.exists():
            return f"{text} (`{path.relative_to(ROOT)}`)"
        return link[0]

    return replaced


def _drawing(block: re.Match[str]) -> str:
    import mermaidx

    svg = mermaidx.render(block[1]).svg()
    return _framed(svg, "diagram", f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}", smallest=16)


def _picture(image: re.Match[str]) -> str:
    alt, source = image.groups()
    svg = (DOCS / source).read_text()
    return _framed(svg, alt, source, smallest=min(float(size) for size in FONT_SIZE.findall(svg)))


def _framed(svg: str, alt: str, source: str, *, smallest: float) -> str:
    """A picture as wide as the page, and never so narrow that its `smallest` letters cannot be read: its frame scrolls then."""
    width, height = VIEW_BOX.findall(svg)[0]
    least = float(width) * LEAST_TEXT / smallest
    size = f"width: 100%; min-width: {least:.0f}px; max-width: {width}px; aspect-ratio: {width} / {height}"
    return f'<div class="diagram"><img alt="{alt}" style="{size}" src="{source}"></div>'
