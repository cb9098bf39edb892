"""Why it says so: where and when in the picture a score comes from."""
