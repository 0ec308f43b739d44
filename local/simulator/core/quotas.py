"""Counting requests in a sliding minute."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 60.0


@dataclass(slots=True)
class Quota:
    """So many calls in any 60 seconds per key; who exceeds it is shut out for `block_seconds`."""

    calls: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    blocked_until: dict[str, float] = field(default_factory=dict)

    def seconds_to_wait(self, key: str, now: float, limit: int, block_seconds: float = 0.0) -> float:
        """0 and counted when the call may pass; otherwise how long the door stays shut."""
        blocked = self.blocked_until.get(key, 0.0) - now
        if blocked > 0:
            return blocked
        calls = self.calls[key]
        while calls and calls[0] <= now - WINDOW_SECONDS:
            calls.popleft()
        if limit and len(calls) >= limit:
            self.blocked_until[key] = now + block_seconds
            return max(block_seconds, calls[0] + WINDOW_SECONDS - now)
        calls.append(now)
        return 0.0
