"""Threads, timers and child processes around the GUI thread."""
