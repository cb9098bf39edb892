"""Annotated videos: the recognized actions drawn into the frames, with the original sound."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

import av.error

from slowfast_live.counting.counter import RepetitionCounter
from slowfast_live.errors import ExportError
from slowfast_live.export import label_overlay
from slowfast_live.export.count_overlay import draw_count, shown_set
from slowfast_live.export.findings import PersonRecord
from slowfast_live.export.people_overlay import draw_people
from slowfast_live.export.sound import FileSound
from slowfast_live.export.writer import VideoWriter
from slowfast_live.messages import Message
from slowfast_live.sources.base import LocalSource
from slowfast_live.sources.local import bounded_source, is_silent
from slowfast_live.sources.videos import ANNOTATED_MARK
from slowfast_live.types import Readout

_COMMENT = f"Labels of actions were drawn into this copy of a video. {ANNOTATED_MARK}"


def annotate(
    source: Path,
    target: Path,
    timeline: Sequence[tuple[float, Readout]],
    *,
    persons: Sequence[PersonRecord] = (),
    on_progress: Callable[[float], None] | None = None,
    open_source: Callable[[Path], LocalSource] = bounded_source,
) -> None:
    """Write a copy of a video with the overlay drawn into it; frames keep their times, and the sound is kept.

    What repeats is counted on the way, and the count is drawn as in the window.

    Needs no display. If it fails or is interrupted (by an exception from `on_progress`), nothing is left behind.

    Args:
        source: The video.
        target: The copy, ".mp4" or ".webm"; an existing file is replaced once the new one is complete.
        timeline: (seconds, readout to show from then on), in order of time, on the clock of `Picture.t_s`.
        persons: The people whose boxes and labels are drawn.
        on_progress: Called with the fraction done, 0..1, up to a hundred times.
        open_source: Creates the source of the video.

    Raises:
        SourceError: The video cannot be read.
        ExportError: The copy cannot be written.
    """
    if source.exists() and target.exists() and source.samefile(target):
        raise ExportError(Message("{target} is the video itself; choose another name for the copy.", target=target))
    times = [t_s for t_s, _ in timeline]
    reader = open_source(source)
    sound: FileSound | None = None
    writer: VideoWriter | None = None
    done, counter = 0, RepetitionCounter()
    try:
        info = reader.open()
        sound = None if is_silent(source) else _sound(source, reader.zero_s)
        writer = VideoWriter(target, fps=info.fps, sound=sound, keep=False, replace=True, comment=_COMMENT)
        while (picture := reader.read()) is not None:
            at = bisect_right(times, picture.t_s) - 1
            image = draw_people(picture.image, persons, picture.t_s) if persons else picture.image
            image = label_overlay.draw(image, timeline[at][1]) if at >= 0 else image
            counter.push(picture.image, picture.t_s)
            writer.write(draw_count(image, shown_set(counter, picture.t_s)), picture.t_s)
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


def _sound(source: Path, zero_s: float) -> FileSound | None:
    """Return the video's sound; None if it has none that can be decoded."""
    try:
        sound = FileSound(source, zero_s)
    except (OSError, av.error.FFmpegError) as error:
        raise ExportError(Message("The sound of {source} cannot be read.", source=source), repr(error)) from error
    if sound.there:
        return sound
    sound.close()
    return None
