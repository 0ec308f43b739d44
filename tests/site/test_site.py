"""The site as a reader sees it, in a headless Chromium: `make test-site` builds it, and skips where there is no browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from local.docs_site import ROOT

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(300)]

SITE = ROOT / ".site"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WINDOWS = {"laptop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
LEAST_TEXT = 9  # pixels
PAGES = ["index.html", *sorted({f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")})]

# What reaches beyond the window, though nothing around it scrolls.
OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (e) => e && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
  const beyond = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1);
  const found = beyond.filter((e) => e.getBoundingClientRect().width && !scrolls(e.parentElement));
  const wide = document.documentElement.scrollWidth > width ? ["the page"] : [];
  return [...wide, ...found.map((e) => `<${e.localName}> ${e.textContent.trim().slice(0, 60)}`)];
}"""
# Each picture: its source, how wide it is drawn, whether its frame scrolls it, and where that ends.
PICTURES = """() => [...document.querySelectorAll(".col-md-9 img")].map((e) => {
  const frame = e.closest(".diagram");
  const scrolls = frame !== null && getComputedStyle(frame).overflowX === "auto";
  const { right } = (frame || e).getBoundingClientRect();
  return { source: e.src, width: e.clientWidth, scrolls, right };
})"""
# The smallest letters of an SVG that is a page of its own, and how wide it is meant to be.
LETTERS = """() => {
  const texts = [...document.querySelectorAll("text, tspan, foreignObject *")].filter((e) => e.textContent.trim());
  return {
    smallest: Math.min(...texts.map((e) => parseFloat(getComputedStyle(e).fontSize))),
    width: document.documentElement.viewBox.baseVal.width,
  };
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    assert (SITE / "index.html").exists(), "there is no .site: make docs"
    handler = partial(Quiet, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, without a line for each request."""

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test-site")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as started:
        if not found and not os.path.exists(started.chromium.executable_path):
            pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is here; CHROMIUM=/path/to/one names it")
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to start as root otherwise
        yield started.chromium.launch(executable_path=found, args=sandbox)


@dataclass(frozen=True, slots=True)
class Tour:
    """What was seen of every page: in windows of each size, and of its requests."""

    overflowing: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    pictures: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    without_button: list[str] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)  # of the console
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def context(browser: Any, address: str) -> Iterator[Any]:
    """Without motion, so that what is scrolled to is there at once."""
    opened = browser.new_context(base_url=address, reduced_motion="reduce")
    opened.grant_permissions(["clipboard-read", "clipboard-write"])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def tour(context: Any) -> Tour:
    seen, window = Tour(), context.new_page()
    window.on("response", lambda each: seen.answers.append((each.status, each.url)))
    window.on("requestfailed", lambda each: seen.answers.append((0, each.url)))
    window.on("pageerror", lambda each: seen.errors.append(f"{window.url}: {each}"))
    window.on("console", lambda each: seen.lines.append((each.type, f"{window.url}: {each.text}")))
    for name in PAGES:
        window.goto(name)
        if window.locator("pre:has(> code):not(:has(> .copy))").count():
            seen.without_button.append(name)
        for size in WINDOWS:
            look(window, name, size, seen)
    return seen


def look(window: Any, name: str, size: str, seen: Tour) -> None:
    window.set_viewport_size(WINDOWS[size])
    if found := window.evaluate(OVERFLOWING):
        seen.overflowing[name, size] = found
    seen.pictures.extend((name, size, each) for each in window.evaluate(PICTURES))


@pytest.fixture(params=WINDOWS)
def window(context: Any, request: pytest.FixtureRequest) -> Any:
    opened = context.new_page()
    opened.set_viewport_size(WINDOWS[request.param])
    return opened


def test_no_page_is_wider_than_the_window(tour: Tour) -> None:
    assert tour.overflowing == {}


def test_every_picture_can_be_read_and_scrolls_by_itself_where_it_is_wide(tour: Tour, context: Any) -> None:
    drawn = context.new_page()
    small = [(name, size) for name, size, each in tour.pictures if letters(drawn, each) < LEAST_TEXT]
    beyond = [
        (name, size) for name, size, e in tour.pictures if not e["scrolls"] or e["right"] > WINDOWS[size]["width"]
    ]

    assert len(tour.pictures) >= 8
    assert small == []
    assert beyond == []


def letters(window: Any, picture: dict[str, Any]) -> float:
    """How many pixels high the smallest letters of a picture are drawn."""
    window.goto(picture["source"])
    svg = window.evaluate(LETTERS)
    return float(svg["smallest"] * picture["width"] / svg["width"])


def test_no_page_asks_another_host_or_reports_an_error(tour: Tour, address: str) -> None:
    assert {url for _, url in tour.answers if not url.startswith((address, "data:"))} == set()
    assert {(status, url) for status, url in tour.answers if status >= 400} == set()
    assert tour.errors + [line for kind, line in tour.lines if kind == "error"] == []


def test_every_block_of_code_has_a_button(tour: Tour) -> None:
    assert tour.without_button == []


def test_the_button_copies_what_is_typed(window: Any) -> None:
    window.goto("index.html")
    window.locator("pre .copy").first.click()

    window.get_by_role("button", name="copied").wait_for()
    assert window.evaluate("navigator.clipboard.readText()") == "make demo\n"


def test_the_menu_opens_and_leads_to_a_page(window: Any) -> None:
    window.goto("index.html")
    if not window.locator("#navbar-collapse").is_visible():
        window.locator(".navbar-toggler[data-bs-target='#navbar-collapse']").click()
    window.get_by_role("button", name="When something is wrong").click()
    window.locator("#navbar-collapse .dropdown-menu a", has_text="Runbook").click()

    assert window.url.endswith("/runbook.html")


@pytest.mark.parametrize("window", ["laptop"], indirect=True)
def test_the_menu_of_a_laptop_is_one_line(window: Any) -> None:
    window.goto("index.html")

    assert window.locator("#navbar-collapse").bounding_box()["height"] < 60


def test_a_heading_with_a_digit_first_is_reached_from_the_pages_menu_and_by_githubs_anchor(window: Any) -> None:
    window.goto("install.html#3-apply")

    assert 0 <= window.locator("#n-3-apply").bounding_box()["y"] < window.viewport_size["height"]
    assert window.locator("a[href='#n-3-apply']").count() == 1
