"""Theme, icons and text formatting."""
