"""AFNOR XP Z12-013, as the torture knows it."""
