"""Converts published checkpoints to models for the app. This is the part that needs torch."""
