"""A video with what was recognised drawn into it, and its own sound."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

import av.error

from slowfast_live.errors import ExportError
from slowfast_live.export import plate
from slowfast_live.export.sound import FileSound
from slowfast_live.export.writer import VideoWriter
from slowfast_live.sources.file import FileSource
from slowfast_live.types import Readout


def annotate(
    source: Path,
    target: Path,
    timeline: Sequence[tuple[float, Readout]],
    *,
    on_progress: Callable[[float], None] | None = None,
) -> None:
    """Write a copy of a video with the overlay burnt in; pictures keep their times, the sound is carried over.

    Needs no display. Where it fails or is interrupted (an exception out of `on_progress`) nothing is left behind.

    Args:
        source: The video.
        target: The copy, ".mp4" or ".webm"; replaced where it exists, once the new one is complete.
        timeline: (seconds, what may be shown from then on), in order of time, on the clock of `Picture.t_s`.
        on_progress: Called with the share that is done, 0..1, up to a hundred times.

    Raises:
        SourceError: The video cannot be read.
        ExportError: The copy cannot be written.
    """
    if source.exists() and target.exists() and source.samefile(target):
        raise ExportError(f"{target} is the video itself; choose another name for the copy.")
    times = [t_s for t_s, _ in timeline]
    reader = FileSource(source)
    sound: FileSound | None = None
    writer: VideoWriter | None = None
    done = 0
    try:
        info = reader.open()
        sound = _sound(source, reader.begin_s)
        writer = VideoWriter(target, fps=info.fps, sound=sound, keep=False)
        while (picture := reader.read()) is not None:
            at = bisect_right(times, picture.t_s) - 1
            image = plate.draw(picture.image, timeline[at][1]) if at >= 0 else picture.image
            writer.write(image, picture.t_s)
            share = int(100 * picture.t_s / info.duration_s) if info.duration_s else 0
            if on_progress is not None and done < share < 100:
                done = share
                on_progress(share / 100)
        writer.close()
        if on_progress is not None:
            on_progress(1.0)
    except BaseException:
        if writer is not None:
            writer.discard()
        raise
    finally:
        if sound is not None:
            sound.close()
        reader.close()


def _sound(source: Path, begin_s: float) -> FileSound | None:
    """Return the video's sound, None where it has none that can be decoded."""
    try:
        sound = FileSound(source, begin_s)
    except (OSError, av.error.FFmpegError) as error:
        raise ExportError(f"The sound of {source} cannot be read.", repr(error)) from error
    if sound.there:
        return sound
    sound.close()
    return None
