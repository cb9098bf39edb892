"""The bars and panels around the video: source bar, side panel and notices."""
