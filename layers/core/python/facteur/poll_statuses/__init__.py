"""Reads the statuses of what was deposited."""
