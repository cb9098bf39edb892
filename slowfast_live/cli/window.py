"""The command without a name: opens the window."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slowfast_live.cli.program import PROGRAM
from slowfast_live.display import advice, missing_libraries, why_no_display
from slowfast_live.errors import UsageError

if TYPE_CHECKING:
    from slowfast_live.types import SourceSpec
    from slowfast_live.ui.controller.options import PublishOptions

MAX_SOURCES = 9
"""Sources that fit side by side."""
WITHOUT_A_SCREEN = "`slowfast-live analyze`, `slowfast-live models` and `slowfast-live devices` work without one"


def open_window(options: argparse.Namespace) -> int:
    """Open the window, or one for several sources."""
    reason = why_no_display()
    if reason:
        raise UsageError(f"No window can be opened: {reason.rstrip('.')}; {WITHOUT_A_SCREEN}.")

    sources = [_source(text, options.picture_rate) for text in options.source or ()]
    if any(options.session_log is not None and _same_file(one.address, options.session_log) for one in sources):
        raise UsageError(f"--session-log: {options.session_log} is the video itself. Name another file.")
    several, title = _side_by_side(options, sources)
    publish = _publish_options(options, sources)
    if options.model is not None:
        from slowfast_live.inference.spec import Registry

        Registry().find(options.model)
    if options.device is not None:
        from slowfast_live.inference.device_backend import chosen_device

        options.device = chosen_device(options.device)
    try:
        from slowfast_live.ui.controller.options import AppOptions
        from slowfast_live.window import run_several, run_window
    except ImportError as error:
        if ".so" not in str(error):
            raise
        raise UsageError(f"Qt cannot start: {error}. {advice(missing_libraries())}".strip()) from error
    given = AppOptions(
        source=sources[0] if sources else None,
        queue=tuple(sources) if len(sources) > 1 else (),
        publish=publish,
        model=options.model,
        device=options.device,
        loop=options.loop,
        mirror=options.mirror,
        threshold=options.threshold,
        rate=options.rate,
        session_log=options.session_log,
        quit_after_s=options.quit_after,
    )
    return run_several(given, several, title) if several else run_window(given)


def _side_by_side(options: argparse.Namespace, sources: Sequence[SourceSpec]) -> tuple[tuple[SourceSpec, ...], str]:
    """Return the sources to show side by side, none for the usual window, and the name of their set."""
    from slowfast_live import settings
    from slowfast_live.types import SourceKind

    name: str = options.set or ""
    if name and not sources:
        known = settings.load().settings.source_sets
        if name not in known:
            raise UsageError(
                f"--set: there is no set of sources '{name}'. Sets: {', '.join(known) or 'none yet'}. Make one: "
                f"{PROGRAM} --set {name} --source A --source B"
            )
        sources = known[name]
    together = bool(name) or options.side_by_side or any(one.kind is not SourceKind.FILE for one in sources)
    if len(sources) < 2 or not together:
        if options.side_by_side or (name and len(sources) < 2):
            raise UsageError("--side-by-side and --set need two sources or more: --source A --source B.")
        return (), ""
    if len(sources) > MAX_SOURCES:
        raise UsageError(f"--source: at most {MAX_SOURCES} sources fit side by side, got {len(sources)}.")
    if any(one.kind is SourceKind.FILE and one.address.lower().endswith(".slowfast") for one in sources):
        raise UsageError("--source: a session (.slowfast) has no pictures to show side by side.")
    if options.session_log is not None:
        raise UsageError("--session-log is of one source; leave it out, or give one --source.")
    if name:
        remembered = settings.load().settings
        remembered.source_sets[name] = list(sources)
        settings.save(remembered)
    return tuple(sources), name


def _publish_options(options: argparse.Namespace, sources: Sequence[SourceSpec]) -> PublishOptions:
    """Return what other programs shall receive; checks it before the window opens."""
    from slowfast_live.publish.settings import FEED_TOKEN, parse_broker
    from slowfast_live.ui.controller.options import PublishOptions

    if options.mqtt is not None:
        try:
            parse_broker(options.mqtt)
        except UsageError as error:
            raise UsageError(f"--mqtt: {error.message}") from error
    text_file: Path | None = options.text_file
    if text_file is not None and any(_same_file(one.address, text_file) for one in sources):
        raise UsageError(f"--text-file: {text_file} is the video itself. Name another file.")
    return PublishOptions(options.feed, os.environ.get(FEED_TOKEN, ""), options.mqtt, text_file)


def _same_file(address: str, path: Path) -> bool:
    try:
        return path.samefile(address)
    except (OSError, ValueError):
        return False


def _source(text: str, rate: float | None) -> SourceSpec:
    from slowfast_live.sources import parse_source
    from slowfast_live.sources.picture_files import is_there
    from slowfast_live.types import SourceKind

    source = parse_source(text)
    if source.kind is SourceKind.FILE:
        path = Path(source.address)
        if not path.exists() and not is_there(path):
            raise UsageError(f"--source: there is no file {source.address}.")
        return replace(source, rate=rate)
    return source
