"""Rendered people, the demo clip, and the training of the bundled model."""
