"""Teaching in the window: taking examples, learning, and the report."""
