"""Sessions: what was recognized in a source, and the user's edits, kept across restarts. No Qt."""
