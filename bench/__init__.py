"""Benches: each one prints a table (`python -m bench.NAME`)."""
