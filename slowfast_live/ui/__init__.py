"""The window: PySide6, polls the pipeline, computes nothing."""
