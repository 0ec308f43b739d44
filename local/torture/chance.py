"""Random schedules: the same seed makes the same one."""

from __future__ import annotations

import random

from local.torture.schedule import Schedule, at_point


def random_schedule(seed: int) -> Schedule:
    """TODO"""
    random.Random(seed)
    return at_point(None)
