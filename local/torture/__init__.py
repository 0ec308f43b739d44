"""Breaks everything on purpose and counts deposits afterwards: `python -m local.torture`, explained in docs/reliability.md."""
