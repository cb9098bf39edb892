"""The running pipeline without a window: threads, states and commands."""

from slowfast_live.pipeline.pipeline import Pipeline

__all__ = ["Pipeline"]
