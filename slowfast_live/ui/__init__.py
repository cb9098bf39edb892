"""The PySide6 window: polls the pipeline and does no computing of its own."""
