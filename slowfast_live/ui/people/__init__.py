"""The people in the picture: boxes, names, labels, and whom the user follows."""
