"""A run over files that ends itself with SIGKILL at the n-th point of writing: run by `test_resume.py`.

Arguments: folder of clips, folder of models, output folder, n (0: never).
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slowfast_live.analysis.analyzer import AnalysisSettings
from slowfast_live.analysis.batch import Batch
from slowfast_live.analysis.outputs import OutputFolder
from slowfast_live.analysis.progress import JsonReporter
from slowfast_live.inference.spec import Registry
from slowfast_live.sources.videos import find_videos
from tests.analysis.fakes import PlainRunner

points_left = int(sys.argv[4])


def dies(real: Callable[..., Any]) -> Callable[..., Any]:
    """Before and after the real call there is a point at which the process may end."""

    def call(*arguments: Any, **options: Any) -> Any:
        point()
        result = real(*arguments, **options)
        point()
        return result

    return call


def point() -> None:
    global points_left
    points_left -= 1
    if points_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


for name in ("fsync", "replace", "unlink", "mkdir"):
    setattr(os, name, dies(getattr(os, name)))
clips, models, out = map(Path, sys.argv[1:4])
model = Registry([models]).find("tiny_short-fp32")
outputs = OutputFolder(out)
with JsonReporter() as reporter:
    batch = Batch(model, "CPU", AnalysisSettings(0.25), outputs, lambda: PlainRunner(model), reporter)
    batch.run(find_videos([clips]))
