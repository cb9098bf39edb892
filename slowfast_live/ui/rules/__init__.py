"""Rules in the window: the dialog and the alerts."""
