"""Teaching a model actions of the user's own: examples, a linear classifier on a network's features, and the result."""
