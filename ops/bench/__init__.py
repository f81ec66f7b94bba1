"""Benchmarks: each prints a ratio to something everybody knows, measured in the same run."""
