"""Iopole."""
