"""Soak test: simulated, uninterrupted use of the app, which reveals growing memory, leaks and hangs."""
