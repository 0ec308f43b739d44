"""A line per series as SVG: no library, no colour scheme, axes that begin at nought."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from local.bench.result import number

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 30, 40
Point = tuple[float, float]


def plot(title: str, points: Sequence[Point], across: str) -> str:
    """One curve with the largest value of both axes written out."""
    most_x, most_y = max(x for x, _ in points) or 1, max(y for _, y in points) or 1
    line = " ".join(f"{_x(x / most_x):.1f},{_y(y / most_y):.1f}" for x, y in points)
    marks = [
        _text(LEFT, TOP - 12, "start", title),
        _text(LEFT - 6, _y(0), "end", "0"),
        _text(LEFT - 6, _y(1), "end", number(most_y)),
        _text(_x(0.5), HEIGHT - 10, "middle", across),
        _text(_x(1), _y(0) + 16, "end", number(most_x)),
    ]
    axes = f"M{_x(0)},{_y(1)} V{_y(0)} H{_x(1)}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="none">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            f'<path d="{axes}" stroke="#888"/>',
            f'<polyline points="{line}" stroke="#1f6feb" stroke-width="2"/>',
            *marks,
            "</svg>\n",
        ]
    )


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _text(x: float, y: float, anchor: str, words: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="#222">{escape(words)}</text>'
