"""What is recognized, for other programs: the dialog, and what feeds the channels."""
