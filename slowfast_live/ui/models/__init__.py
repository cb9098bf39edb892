"""The model manager and the measurement of this machine."""
