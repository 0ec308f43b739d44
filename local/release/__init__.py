"""A release: its version, what is frozen of it, and what is published."""
