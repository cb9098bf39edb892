"""What the documentation shows of the program itself: its structure and its pictures."""
