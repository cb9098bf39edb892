"""The video, its overlay and its playback controls."""
