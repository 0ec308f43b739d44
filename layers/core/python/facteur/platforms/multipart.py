"""A document as it is sent: streamed, and asked about before every block."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import IO

from facteur.platforms.deadline import renew_deadline

BLOCK_BYTES = 1 << 16


class SingleFileBody:
    """A multipart/form-data body of one file, and parts of JSON before it.

    What makes a deposit is its end: it knows whether that was handed over.

    `before_block` is called before every block, the last included, and may raise NotDepositedError: then the connection is cut,
    and the platform has half a request. Where it does not raise, there is time for the block and for an answer.
    """

    def __init__(
        self, name: str, file_name: str, content_type: str, file: IO[bytes], size: int, before_block: Callable[[], None],
        said: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        """`said`: the parts of JSON, by name."""
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"\r\n'
            f"Content-Type: application/json\r\n\r\n{json.dumps(value)}\r\n"
            for part, value in (said or {}).items()
        ) + (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        )
        self._head, self._tail = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self._file, self._size, self._before_block = file, size, before_block
        self.answered: Callable[[], bool] = lambda: False  # the connection's: whether an answer has begun to come
        self.whole_sent = False
        self._parts = self._blocks()

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def read(self, _size: int = -1) -> bytes:
        """The next block; urllib3 sends each as it is."""
        return next(self._parts, b"")

    def rewind(self) -> None:
        """Start over, for the one repeat after a refused token."""
        self._parts, self.whole_sent = self._blocks(), False

    def _blocks(self) -> Iterator[bytes]:
        """The end leaves with the last part of the file. A file that has become shorter is not what was announced."""
        self._may_go_on()
        self._file.seek(0)
        block, left = self._head, self._size
        while True:
            part = self._file.read(min(BLOCK_BYTES, left))
            if left and not part:
                raise ValueError("the document is shorter than it was")
            block, left = block + part, left - len(part)
            if not left:
                break
            yield block
            self._may_go_on()
            block = b""
        self.whole_sent = True
        yield block + self._tail

    def _may_go_on(self) -> None:
        self._before_block()
        renew_deadline()
        if self.answered():
            raise BrokenPipeError("answered before the document's end")  # urllib3 stops sending, and reads the answer
