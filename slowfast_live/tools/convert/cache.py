"""Cache of downloads and their checksums. Needs only the standard library."""

from __future__ import annotations

import hashlib
from pathlib import Path

from slowfast_live import paths


def cached_path(url: str, cache: Path | None = None) -> Path:
    """Return where the file at `url` is cached, whether or not it exists."""
    folder = cache if cache is not None else paths.cache_dir() / "checkpoints"
    return folder / url.rsplit("/", 1)[-1]


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
