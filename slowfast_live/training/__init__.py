"""Rendered people, the demo clip, and the training of the model in the box."""
