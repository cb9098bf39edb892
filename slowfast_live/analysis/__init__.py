"""Offline analysis of video files: decodes every frame and predicts at fixed steps.

Identical results on every machine.
"""
