"""Analysis of files from the window."""
