"""The running app without a window: threads, states and commands."""

from slowfast_live.pipeline.controller import Pipeline

__all__ = ["Pipeline"]
