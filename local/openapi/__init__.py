"""Checks what the simulator answers against the files that platforms publish; the files are no part of this repository."""
