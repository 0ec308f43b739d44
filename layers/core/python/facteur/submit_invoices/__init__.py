"""Deposits what is pending, and looks up what is in doubt."""
