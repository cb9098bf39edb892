"""Thumbnails of events for the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import cv2

from slowfast_live.core.events import Event
from slowfast_live.errors import SourceError
from slowfast_live.sources.base import FrameSource
from slowfast_live.sources.local import bounded_source
from slowfast_live.types import U8

log = logging.getLogger(__name__)

MAX_THUMBNAILS = 200
"""Maximum number of events per file that get a thumbnail."""
_WIDTH, _HEIGHT = 256, 160
_QUALITY = 78


def event_pictures(
    path: Path, events: Sequence[Event], open_source: Callable[[Path], FrameSource] = bounded_source
) -> list[bytes]:
    """Return a JPEG of the best moment of each of the first `MAX_THUMBNAILS` events; b"" if it cannot be read."""
    if not events:
        return []
    pictures: list[bytes] = []
    try:
        with closing(open_source(path)) as source:
            source.open()
            for event in events[:MAX_THUMBNAILS]:
                source.seek(event.peak_s)
                picture = source.read()
                pictures.append(jpeg(picture.image) if picture is not None else b"")
    except SourceError as error:
        log.warning("%s: pictures of its events are missing from the report: %s", path, error)
    return pictures + [b""] * (min(len(events), MAX_THUMBNAILS) - len(pictures))


def jpeg(image: U8) -> bytes:
    """Encode uint8 (H, W, 3), BGR, as a small JPEG."""
    height, width = image.shape[:2]
    scale = min(1.0, _WIDTH / width, _HEIGHT / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])
