"""How the product's packages depend on each other: `python -m local.structure` prints packages, edges and cycles, as imports make them.

What may import what stands in pyproject.toml, and `make lint` holds it; this counts what there is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import grimp

PACKAGE = "facteur"
DEEPEST = 9


def edges_at(depth: int) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Packages and modules so many levels down, what is below each within it, and which of them imports which."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    edges = {
        (_at(depth, importer), _at(depth, imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    nodes = frozenset(_at(depth, module) for module in graph.modules)
    return nodes, frozenset((a, b) for a, b in edges if a != b)


def cycles(edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Those that import each other, directly or by way of others."""
    imports: dict[str, set[str]] = {}
    for importer, imported in edges:
        imports.setdefault(importer, set()).add(imported)
    reached = {name: _reached(name, imports) for name in imports}
    groups = {
        frozenset(other for other in reached[name] if name in reached.get(other, set()))
        for name in imports
        if name in reached[name]
    }
    return sorted(sorted(group) for group in groups)


def _reached(name: str, imports: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        new = imports.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def _at(depth: int, module: str) -> str:
    return ".".join(module.split(".")[: depth + 1])


def main() -> None:
    for depth in (1, 2, DEEPEST):
        nodes, edges = edges_at(depth)
        circles = cycles(edges)
        level = "all modules" if depth == DEEPEST else f"{depth} below {PACKAGE}"
        print(f"{level}: {len(nodes)} packages and modules, {len(edges)} imports between them, {len(circles)} cycles")
        for circle in circles:
            print("  cycle:", ", ".join(circle))
    if "-v" in sys.argv:
        for importer, imported in sorted(edges_at(1)[1]):
            print(f"  {importer} → {imported}")


if __name__ == "__main__":
    main()
