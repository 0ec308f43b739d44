"""Choices of one step of the model test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Dice:
    """Draws for one action."""

    def __init__(self, data: st.DataObject | None = None) -> None:
        self._data = data

    def one_of(self, choices: Sequence[T]) -> T:
        """One of them; without data, the first."""
        return choices[0] if self._data is None else self._data.draw(st.sampled_from(choices))
