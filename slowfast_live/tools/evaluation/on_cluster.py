"""Measures clips on a Ray cluster: a task a clip, with the same figures as on one machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slowfast_live import __version__
from slowfast_live.analysis.analyzer import AnalysisSettings, model_facts
from slowfast_live.analysis.names import absolute
from slowfast_live.cluster.address import parse_cluster
from slowfast_live.cluster.engine import PART_S, needs_of
from slowfast_live.cluster.packing import pack
from slowfast_live.cluster.pool import Pool
from slowfast_live.cluster.worker import WorkerRecipe, compiled_model
from slowfast_live.errors import ModelError, SlowFastLiveError
from slowfast_live.inference.spec import Model
from slowfast_live.tools.evaluation.classes import LabeledClip
from slowfast_live.tools.evaluation.composite import PaintedBackground
from slowfast_live.tools.evaluation.scoring import Classifier, Evaluator, Failed, Outcomes, Scored


@dataclass(frozen=True, slots=True)
class HowToScore:
    """How clips are scored; see `Evaluator`.

    Attributes:
        threshold: Score from which a label is shown; None for the model's own.
        step_s: Seconds from window to window.
        composite: Seed of the painted backgrounds; None for none.
    """

    threshold: float | None
    step_s: float
    composite: int | None = None


def score_clip(recipe: WorkerRecipe, how: HowToScore, clip: LabeledClip) -> Scored | Failed | ModelError:
    """Score one clip on a worker."""
    try:
        compiled = compiled_model(recipe)
        evaluator = Evaluator(Classifier(compiled), compiled.model.spec, how.threshold, how.step_s)
        retouch = None if how.composite is None else PaintedBackground(clip.path.name, how.composite).behind
        return evaluator.score(clip, retouch)
    except ModelError as error:
        return error
    except (SlowFastLiveError, ValueError) as error:
        return Failed(clip, str(error))


def measure_on_cluster(
    where: str,
    model: Model,
    device: str,
    how: HowToScore,
    clips: Sequence[LabeledClip],
    progress: Callable[[int, LabeledClip], None],
) -> Outcomes:
    """Score clips on the cluster at `where`; in the order of `clips`, whatever order they end in.

    The machines need the clips under the same paths.

    Raises:
        UsageError: It is no cluster.
        ModelError: The model failed.
    """
    pool = Pool(parse_cluster(where), needs_of(model, device))
    done: dict[int, Scored | Failed] = {}
    waiting = list(enumerate(clips))[::-1]
    try:
        facts = model_facts(model, device)
        settings = AnalysisSettings()
        recipe = WorkerRecipe(
            __version__, (pool.share(pack(model)),), facts, device, pool.needs.cpus, settings, False, PART_S
        )
        while waiting or pool.pending:
            while waiting and pool.has_room:
                number, clip = waiting.pop()
                # By its absolute path: workers have another working folder.
                pool.submit(number, score_clip, recipe, how, replace(clip, path=Path(absolute(clip.path))))
            ended = pool.wait()
            assert isinstance(ended.key, int)
            clip, value = clips[ended.key], ended.value
            if isinstance(value, ModelError):
                raise value
            if isinstance(value, Scored | Failed):
                done[ended.key] = replace(value, clip=clip)
            else:
                done[ended.key] = Failed(clip, ended.reason)
            progress(len(done), clip)
    finally:
        pool.close()
    ordered = [done[number] for number in sorted(done)]
    scored = [one for one in ordered if isinstance(one, Scored)]
    return Outcomes(
        model.spec.labels,
        tuple(one for one in scored if one.clip.label is not None),
        tuple(one for one in scored if one.clip.label is None),
        tuple(one for one in ordered if isinstance(one, Failed)),
    )
