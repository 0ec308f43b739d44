"""`python -m local.simulator`: start the simulator alone and print where it is and how to get in."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from local.simulator.core.listener import HOST
from local.simulator.core.platform import Platform
from local.simulator.core.settings import Settings, changed, listed
from local.simulator.registry import PLATFORMS
from local.simulator.server import Server, until_stopped

PROGRAM, USUAL = "python -m local.simulator", "iopole"
OF_THE_PROGRAM = {"platform", "port", "admin_port", "json", "follow_stdin"}


def arguments(words: list[str]) -> tuple[argparse.Namespace, Settings]:
    """The command line; every switch that the platform has is an option."""
    platform = chosen_platform(words)
    parser = argparse.ArgumentParser(prog=PROGRAM, description=f"A simulator of {platform.api}.")
    parser.add_argument("--platform", choices=PLATFORMS, default=USUAL, help=f"whose wire it speaks (default {USUAL})")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default 8080)")
    parser.add_argument(
        "--admin-port", type=int, help="a second port, which still listens while connections are refused"
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of prose")
    parser.add_argument("--follow-stdin", action="store_true", help="stop when standard input ends")
    for each in listed(platform.name):
        choices, usual = each.metadata["choices"], getattr(platform.settings, each.name)
        meaning = f"{each.metadata['help']}{' (' + ', '.join(choices) + ')' if choices else ''} [{usual!r}]"
        flag = "--" + each.name.replace("_", "-")
        parser.add_argument(flag, default=argparse.SUPPRESS, metavar="X", help=meaning.replace("%", "%%"))
    parsed = parser.parse_args(words)
    given = {name: value for name, value in vars(parsed).items() if name not in OF_THE_PROGRAM}
    try:
        return parsed, changed(platform.settings, given)
    except ValueError as error:
        parser.error(str(error))


def chosen_platform(words: list[str]) -> Platform:
    """The platform that the command line names, whatever else is in it: which options there are depends on it."""
    first = argparse.ArgumentParser(prog=PROGRAM, add_help=False, allow_abbrev=False)
    first.add_argument("--platform", choices=PLATFORMS, default=USUAL)
    return PLATFORMS[first.parse_known_args(words)[0].platform]


async def serve(parsed: argparse.Namespace, settings: Settings) -> None:
    platform = PLATFORMS[parsed.platform]
    server = Server(platform, settings)
    try:
        port, admin_port = await server.start(parsed.port, parsed.admin_port)
    except (OSError, OverflowError) as error:
        sys.exit(
            f"cannot listen on port {parsed.port} of {HOST}: {error}. Choose another one: PORT=… or --port, 0 takes a free one"
        )
    print(announcement(platform, port, admin_port, settings, as_json=parsed.json), flush=True)
    await until_stopped(follow_stdin=parsed.follow_stdin)
    await server.stop()


def announcement(platform: Platform, port: int, admin_port: int, settings: Settings, *, as_json: bool) -> str:
    url = f"http://{HOST}:{port}"
    facts = {
        "base_url": url,
        "auth_url": url,
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        **platform.facts(settings),
        "admin_url": f"http://{HOST}:{admin_port}",
    }
    if as_json:
        return json.dumps(facts)
    lines = [f"  {name:14}{value}" for name, value in facts.items()]
    token = f"  {'token':14}POST {url}{platform.token_path}"
    return "\n".join([f"{platform.title} simulator", *lines, token, "Ctrl-C stops it."])


def main() -> None:
    parsed, settings = arguments(sys.argv[1:])
    asyncio.run(serve(parsed, settings))


if __name__ == "__main__":
    main()
