"""Recording controls of the window."""
