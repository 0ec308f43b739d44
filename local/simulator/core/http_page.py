"""What a browser finds at the simulator's root: what this is, what was deposited, what was called, how it is set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape

from aiohttp import web

from local.simulator.core.clock import iso
from local.simulator.core.platform import Platform, platform_of
from local.simulator.core.settings import Settings, listed
from local.simulator.core.world import WORLD

ADMIN_PREFIX = "/_simulator/"
HTML = "text/html"
LATEST = 20
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<title>Platform simulator</title>
<style>body {{ font: 15px/1.5 sans-serif; max-width: 60em; margin: 2em auto }} td, th {{ text-align: left; padding: 0 1.5em 0 0 }}
code {{ font-size: 13px }}</style>
<h1>Platform simulator</h1>
<p>This is no real platform: a program on this machine that behaves like {api}, part of Facteur. Nothing that is
deposited here leaves it, and all of it is gone when it stops. Its clock shows {now}.</p>
<h2>Ledger: {total} deposits</h2>
{ledger}
<h2>The latest</h2>
{latest}
<h2>Calls</h2>
{calls}
<h2>Switches</h2>
<p>Those in <b>bold</b> are not at their default. To change one:
<code>curl -X PATCH -d '{{"history_quota": 5}}' {address}{admin}settings</code></p>
{switches}
<p>Every deposit: <a href="{admin}ledger">{admin}ledger</a>, every call: <a href="{admin}calls">{admin}calls</a>.
The page renews itself every five seconds. Everything else is in docs/simulator.md.</p>
</html>
"""


def asked_by_browser(request: web.Request) -> bool:
    """Whether somebody looks at the root; a client of the API asks for no HTML, and is answered by the API."""
    return request.path == "/" and request.method in {"GET", "HEAD"} and HTML in request.headers.get("Accept", "")


def page(request: web.Request) -> web.Response:
    """The page; it changes nothing and is no call of the API."""
    world, platform = request.app[WORLD], platform_of(request)
    ours = [each for each in world.ledger.deposits.values() if not each.foreign]
    by_fate = Counter(f"{each.fate.verdict}, {each.state(world.clock.now())}" for each in ours)
    by_call = Counter((each.endpoint, each.status) for each in world.calls)
    text = PAGE.format(
        now=iso(world.clock.now()),
        total=len(ours),
        ledger=_table(("verdict and state", "deposits"), by_fate.most_common()),
        latest=_table(
            ("number", "id", "verdict and state"),
            (
                (each.number or "–", each.id, f"{each.fate.verdict}, {each.state(world.clock.now())}")
                for each in ours[-LATEST:][::-1]
            ),
        ),
        calls=_table(
            ("endpoint", "answer", "calls"), ((*key, count) for key, count in sorted(by_call.items(), key=str))
        ),
        switches=_switches(world.settings, platform),
        api=escape(platform.api),
        address=f"http://{escape(request.host)}",
        admin=ADMIN_PREFIX,
    )
    return web.Response(text=text, content_type=HTML, headers={"Cache-Control": "no-store"})


def _switches(settings: Settings, platform: Platform) -> str:
    rows = []
    for each in listed(platform.name):
        value, about = getattr(settings, each.name), str(each.metadata.get("help", ""))
        name, shown = escape(each.name), escape(str(value))
        rows.append(
            (f"<b>{name}</b>" if value != getattr(platform.settings, each.name) else name, shown, escape(about))
        )
    return _rows(("switch", "value", "what it does"), rows)


def _table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    return _rows(titles, [[escape(str(cell)) for cell in row] for row in rows])


def _rows(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML."""
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    if not lines:
        return "<p>none yet</p>"
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in (head, *lines)) + "</table>"
