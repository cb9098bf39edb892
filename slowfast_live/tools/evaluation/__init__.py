"""Accuracy of a model on labeled clips: `slowfast-live models evaluate`. Needs no torch."""
