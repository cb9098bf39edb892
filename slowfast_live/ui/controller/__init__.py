"""Translate user actions into pipeline commands; no widgets."""
