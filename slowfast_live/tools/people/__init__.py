"""Measurement of person detectors and tracks: on real clips, and on rendered videos of people who cross."""
