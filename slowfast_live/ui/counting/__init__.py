"""Counting in the window."""
