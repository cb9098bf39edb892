"""What was done from the start of a session to its end, on a page that can be printed."""
