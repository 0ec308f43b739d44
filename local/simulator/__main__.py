"""`python -m local.simulator`: start the simulator alone and print where it is and how to get in."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import fields

from local.simulator.core.listener import HOST
from local.simulator.core.settings import Settings, changed
from local.simulator.iopole.http_token import PATH
from local.simulator.server import Server, until_stopped


def arguments(words: list[str]) -> tuple[argparse.Namespace, Settings]:
    """The command line; every switch of settings.py is an option."""
    parser = argparse.ArgumentParser(
        prog="python -m local.simulator", description="A simulator of the Iopole operator API."
    )
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default 8080)")
    parser.add_argument(
        "--admin-port", type=int, help="a second port, which still listens while connections are refused"
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of prose")
    parser.add_argument("--follow-stdin", action="store_true", help="stop when standard input ends")
    for each in fields(Settings):
        choices = each.metadata["choices"]
        meaning = f"{each.metadata['help']}{' (' + ', '.join(choices) + ')' if choices else ''} [{each.default!r}]"
        flag = "--" + each.name.replace("_", "-")
        parser.add_argument(flag, default=argparse.SUPPRESS, metavar="X", help=meaning.replace("%", "%%"))
    parsed = parser.parse_args(words)
    given = {
        name: value
        for name, value in vars(parsed).items()
        if name not in {"port", "admin_port", "json", "follow_stdin"}
    }
    try:
        return parsed, changed(Settings(), given)
    except ValueError as error:
        parser.error(str(error))


async def serve(parsed: argparse.Namespace, settings: Settings) -> None:
    server = Server(settings)
    try:
        port, admin_port = await server.start(parsed.port, parsed.admin_port)
    except (OSError, OverflowError) as error:
        sys.exit(
            f"cannot listen on port {parsed.port} of {HOST}: {error}. Choose another one: PORT=… or --port, 0 takes a free one"
        )
    print(announcement(port, admin_port, settings, as_json=parsed.json), flush=True)
    await until_stopped(follow_stdin=parsed.follow_stdin)
    await server.stop()


def announcement(port: int, admin_port: int, settings: Settings, *, as_json: bool) -> str:
    url = f"http://{HOST}:{port}"
    facts = {
        "base_url": url,
        "auth_url": url,
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "customer_id": settings.customer_id,
        "admin_url": f"http://{HOST}:{admin_port}",
    }
    if as_json:
        return json.dumps(facts)
    lines = [f"  {name:14}{value}" for name, value in facts.items()]
    return "\n".join(["Iopole simulator", *lines, f"  {'token':14}POST {url}{PATH}", "Ctrl-C stops it."])


def main() -> None:
    parsed, settings = arguments(sys.argv[1:])
    asyncio.run(serve(parsed, settings))


if __name__ == "__main__":
    main()
