"""Decoding of single pictures with Pillow, in bounded memory."""

from __future__ import annotations

import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.sources.pictures import over_black
from slowfast_live.types import U8

MAX_PIXELS = 8192 * 8192
"""Size limit: a damaged or malicious header must not allocate all of the machine's memory."""


def load_still(path: Path) -> U8:
    """Load a picture file as uint8 (H, W, 3) BGR, upright, alpha over black, C-contiguous, read-only.

    Raises:
        SourceError: It cannot be read, is not a picture, or is too large.
    """
    name = path.name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about doubtful metadata, and sizes, which are checked here
            if not stat.S_ISREG(path.stat().st_mode):  # reading from a pipe would block
                raise SourceError(Message("{name} is not a file.", name=name), details=str(path))
            with path.open("rb") as file, Image.open(file) as image:
                check_size(image.size, name)
                return as_bgr(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise SourceError(Message("{name} is not a picture that can be read.", name=name), details=str(path)) from error
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError, ZeroDivisionError) as error:
        raise SourceError(
            Message("{name} cannot be read as a picture: {error}.", name=name, error=error),
            details=f"{path}: {error!r}",
        ) from error


def check_size(size: tuple[int, int], name: str) -> None:
    """Check that a picture does not need too much memory.

    Raises:
        SourceError: It is too large.
    """
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(name)


def as_bgr(image: Image.Image) -> U8:
    """Convert a decoded picture to uint8 (H, W, 3) BGR, alpha over black, C-contiguous, read-only."""
    if image.mode.startswith(("I", "F")):  # 16 bits or more: Pillow would clip instead of scale
        deep = np.asarray(image, np.float64)
        top = 65535.0 if image.mode.startswith("I") else max(1.0, float(deep.max(initial=0.0)))
        gray = np.clip(deep * (255.0 / top), 0, 255).astype(np.uint8)
        pixels = np.repeat(gray[:, :, None], 3, axis=2)
    elif image.has_transparency_data:
        pixels = over_black(np.asarray(image.convert("RGBA"), np.uint8)[:, :, [2, 1, 0, 3]])
    else:
        pixels = np.asarray(image.convert("RGB"), np.uint8)[:, :, ::-1]
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False
    return pixels


def _too_large(name: str) -> SourceError:
    return SourceError(
        Message(
            "{name} is larger than {max_pixels} million pixels: it would fill the memory.",
            name=name,
            max_pixels=MAX_PIXELS // 1_000_000,
        )
    )
