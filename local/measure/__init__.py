"""Measurements that are published: `python -m local.measure outages` prints a table. Tests run the same scenarios, smaller."""
