"""SUPER PDP's paths before the norm's: pyfrctc knows that platform alone, and the simulator serves the paths of the norm's files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

PATHS = (("/afnor-flow/", "/flow-service/"), ("/afnor-directory/", "/directory-service/"))
SECONDS = 30
HOP_BY_HOP = frozenset({"host", "connection", "content-length", "transfer-encoding", "content-encoding"})


@contextmanager
def renaming(base_url: str) -> Iterator[str]:
    """The address of a server on this machine that passes each request on, with nothing else changed but its path."""

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            path = self.path
            for theirs, ours in PATHS:
                path = path.replace(theirs, ours, 1) if path.startswith(theirs) else path
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            answer = requests.request(
                self.command, base_url + path, data=body, headers=headers, timeout=SECONDS, allow_redirects=False
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = _pass_on  # noqa: N815  names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Said by nobody."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
