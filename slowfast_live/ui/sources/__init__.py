"""Choosing what to watch: the screen, and files one after the other."""
