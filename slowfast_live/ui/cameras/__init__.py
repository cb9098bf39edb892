"""Several sources in one window, recognized by one model in turns."""
