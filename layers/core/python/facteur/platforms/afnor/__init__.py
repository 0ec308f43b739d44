"""AFNOR XP Z12-013, the API that approved platforms have in common: no adapter yet, only what reads its lifecycle messages."""
