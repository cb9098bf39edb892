"""Sessions in the window: saving edits, the list of earlier sessions, and session files."""
