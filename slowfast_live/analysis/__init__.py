"""Video files, looked at as a whole: every picture decoded, windows at fixed steps, the same on every machine."""
