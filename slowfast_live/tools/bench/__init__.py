"""Benchmark of the app on this machine, compared with other ways to run the same network."""
