"""Names that the window needs before anything is taught."""

from __future__ import annotations

SHARED_SUFFIX = ".slowfast-model"
"""Ending of a model as one file."""
CLIP_PREFIX = "clip-"
"""Beginning of the file names of clips that are kept with examples."""
