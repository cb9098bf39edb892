"""Counting repetitions: how similar the picture is to itself some time ago, and the sets that follow from it."""
