"""The timeline and the list of events."""
