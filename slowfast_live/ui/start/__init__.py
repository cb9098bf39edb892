"""What a newcomer meets: the start card, the gallery of actions, and advice when nothing is recognized."""
