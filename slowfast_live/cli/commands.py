"""The commands that work: each hands its options to the room that does it, which is imported only then."""

from __future__ import annotations

import argparse

from slowfast_live.cli.program import PROGRAM, complain
from slowfast_live.display import why_no_display
from slowfast_live.errors import ExportError, UsageError


def soak(options: argparse.Namespace) -> int:
    """Use the window nonstop; see `tools.soak`."""
    reason = why_no_display()
    if reason:
        raise UsageError(
            f"No window can be opened: {reason.rstrip('.')}; QT_QPA_PLATFORM=offscreen does without a screen."
        )
    from slowfast_live.tools.soak.command import SoakOptions, run

    return run(SoakOptions(options.minutes, options.seed, options.report, options.every, options.trace))


def analyze(options: argparse.Namespace) -> int:
    """Analyze files, here or on a cluster; see `analysis`."""
    from slowfast_live.analysis.analyzer import AnalysisSettings
    from slowfast_live.analysis.command import SOME_FAILED, AnalyzeOptions, run
    from slowfast_live.analysis.outputs import OutputFolder

    if (options.begin is None) != (options.end is None):
        raise UsageError("Give --from and --to together: begin and end of the action.")
    section = None if options.begin is None else (options.begin, options.end)
    lists = f"{options.format},{options.export}".split(",")
    formats = tuple(dict.fromkeys(name.strip().lower() for name in lists if name.strip()))
    order = AnalyzeOptions(
        given=tuple(options.paths),
        outputs=OutputFolder(options.out, formats, options.annotate),
        settings=AnalysisSettings(
            options.stride, options.views, options.threshold, options.picture_rate, section, options.people
        ),
        model=options.model,
        device=options.device,
        json_lines=options.progress == "json",
    )
    try:
        if options.cluster is not None:
            from slowfast_live.cluster.command import run_on_cluster

            return run_on_cluster(order, options.cluster)
        return run(order)
    except ExportError as error:  # the disk ran full or went away meanwhile; what is done is kept
        complain(error)
        return SOME_FAILED


def teach(options: argparse.Namespace) -> int:
    """Teach actions from folders of examples; see `teaching`."""
    from slowfast_live.teaching.command import TeachOptions, run

    return run(
        TeachOptions(
            base=options.model,
            examples=options.examples,
            name=options.name,
            output=options.output,
            device=options.device,
            mirrored=not options.no_mirror,
            beside=options.beside,
            shared=options.share,
        )
    )


def bench(options: argparse.Namespace) -> int:
    """Measure speed; see `tools.bench`."""
    from slowfast_live.tools.bench.command import run

    return run(options, options.words)


def model_command(options: argparse.Namespace) -> int:
    """Run a command of `models` that the offline programs have; see `tools.convert.cli`."""
    from slowfast_live.tools.convert.cli import run

    return run(options.model_command, options.further, f"{PROGRAM} models {options.model_command}")
