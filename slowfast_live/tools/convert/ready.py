"""Builds models that are published as OpenVINO IR: fetched, verified, merged, and compared with the published pair."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slowfast_live.errors import ModelError, UsageError
from slowfast_live.inference.model_folders import building_folder, clear_leftovers, swap
from slowfast_live.inference.spec import IR_FILE
from slowfast_live.tools.convert import compare, encoder_decoder, export
from slowfast_live.tools.convert.builder import (
    BuildRequest,
    BuildResult,
    Precision,
    describe,
    up_to_date,
)
from slowfast_live.tools.convert.cache import cached_path
from slowfast_live.tools.convert.compare import RuntimeOutputs
from slowfast_live.tools.convert.counting import Size
from slowfast_live.tools.convert.download import fetch
from slowfast_live.tools.convert.encoder_decoder import Form
from slowfast_live.tools.convert.open_model_zoo import FOLDERS, EncoderDecoder, PublishedIr, found_in
from slowfast_live.tools.convert.progress import BuildReporter
from slowfast_live.tools.convert.random_weights import distinct_pairs
from slowfast_live.types import F32, U8

_TWO_STAGES_LIMIT = 1e-3
"""Largest allowed difference from the two stages in float32, as in `compare.Difference.logit_error`."""


def build(request: BuildRequest, reporter: BuildReporter) -> list[BuildResult]:
    """Build one model in all requested precisions; see `builder.build`.

    Raises:
        SlowFastLiveError: Files are missing, damaged or do not fit, or the result differs from the published pair's.
    """
    request.output.mkdir(parents=True, exist_ok=True)
    clear_leftovers(request.output)
    results = []
    with building_folder(request.output, request.entry.name) as temporary:
        step = _ReadyBuild(request, reporter, temporary)
        for index, precision in enumerate(request.precisions):
            results.append(step.run(precision, index / len(request.precisions)))
    return results


class _ReadyBuild:
    """One run of `build`, with the state that its steps share."""

    def __init__(self, request: BuildRequest, reporter: BuildReporter, temporary: Path) -> None:
        if request.weights.seed is not None or request.variant is not None:
            raise UsageError(f"{request.entry.name} is published as OpenVINO IR: it has no random weights or variants.")
        assert request.entry.encoder_decoder is not None
        self.request, self.entry, self.reporter, self.temporary = request, request.entry, reporter, temporary
        self.published: EncoderDecoder = request.entry.encoder_decoder

    def announce(self, step: str, fraction: float, message: str, precision: str = "") -> None:
        self.reporter.report(step, model=self.entry.name, precision=precision, fraction=fraction, message=message)

    def run(self, precision: Precision, fraction: float) -> BuildResult:
        target, current = self.request.folder(precision), up_to_date(self.request, precision)
        if current is not None and not self.request.again:
            self.announce("skip", 1.0, f"{target} is up to date.", precision)
            return BuildResult(target, precision, False, current)
        files, origin, request = self._files(precision, fraction)
        clips = request.material.for_evaluation(self.entry)
        self.announce("convert", fraction, "Merging encoder and decoder.", precision)
        expected = encoder_decoder.run_stages(files, clips)
        if expected.shape[1] != request.classes:
            raise ModelError(
                f"{self.entry.name} gives {expected.shape[1]} scores, but {request.classes} labels were given."
            )
        model, form = self._merged(files, clips, expected)
        folder = self.temporary / target.name
        folder.mkdir()
        spec = describe(request, precision, origin, {}, self._size(), None)
        self.announce("write", fraction, "Writing the IR.", precision)
        export.save(model, spec, folder)
        self.announce("measure", fraction, "Comparing with encoder and decoder one after the other.", precision)
        parity = self._parity(folder / IR_FILE, clips, expected, form)
        export.describe(describe(request, precision, origin, parity, self._size(), None), folder)
        swap(folder, target)
        size_mb = sum(file.stat().st_size for file in target.iterdir()) / 1e6
        done = fraction + 1 / len(request.precisions)
        self.announce("done", done, f"{target} is ready, {size_mb:.1f} MB.", precision)
        return BuildResult(target, precision, True, parity)

    def _size(self) -> Size:
        return Size(self.entry.params_m or 0.0, self.entry.gflops or 0.0)

    def _files(self, precision: Precision, fraction: float) -> tuple[list[Path], dict[str, str], BuildRequest]:
        """Return the published files, their origin, and the request, which says whether they are the user's own."""
        published = self.published.files(precision)
        given = self.request.weights.checkpoint
        if given is None:
            paths = [self._fetched(file, precision) for file in published]
            return paths, {"url": self.published.url, "sha384": _digests(published)}, self.request
        if not given.is_dir():
            raise UsageError(
                f"{given} is not a folder: {self.entry.name} needs one with {', '.join(f.name for f in published)}."
            )
        paths = found_in(given, published, precision)
        others = [path.name for path, file in zip(paths, published, strict=True) if sha384_of(path) != file.sha384]
        if not others:
            return paths, {"url": self.published.url, "sha384": _digests(published)}, self.request
        names = ", ".join(others)
        self.announce("load", fraction, f"Not the published files, so taken as your own: {names}.", precision)
        weights = dataclasses.replace(self.request.weights, own=True)
        origin = {"file": given.name, "note": "own weights"}
        return paths, origin, dataclasses.replace(self.request, weights=weights)

    def _fetched(self, file: PublishedIr, precision: Precision) -> Path:
        self.announce("download", 0.0, f"Fetching {file.url}", precision)
        path, _ = fetch(
            file.url,
            cache=cached_path(self.published.url, self.request.cache) / FOLDERS[precision],
            sha384=file.sha384,
            progress=lambda there, total: self.reporter.bytes_received(self.entry.name, there, total),
            patience=self.request.patience,
        )
        return path

    def _merged(self, files: Sequence[Path], clips: Sequence[U8], expected: F32) -> tuple[Any, Form]:
        """Merge with a batch of pictures, or with a loop if the encoder computes something else for a batch."""
        try:
            model = encoder_decoder.merge(files, self.entry.clip.frames, "batch")
            if _difference(expected[:1], encoder_decoder.run_merged(model, clips[:1], exact=True)) <= _TWO_STAGES_LIMIT:
                return model, "batch"
        except (ModelError, RuntimeError):
            pass  # its graph holds shapes of one picture
        return encoder_decoder.merge(files, self.entry.clip.frames, "loop"), "loop"

    def _parity(self, ir: Path, clips: Sequence[U8], expected: F32, form: Form) -> dict[str, Any]:
        exact = compare.difference(_outputs(expected), _outputs(encoder_decoder.run_merged(ir, clips, exact=True)))
        if not exact.logit_error <= _TWO_STAGES_LIMIT:
            raise ModelError(
                f"{self.entry.name} was not built: merged, it differs from encoder and decoder one after the other by "
                f"{exact.logit_error:.2g} relative, allowed is {_TWO_STAGES_LIMIT:.0e}. Please report this, with your "
                "processor and the version of OpenVINO."
            )
        default = compare.difference(_outputs(expected), _outputs(encoder_decoder.run_merged(ir, clips, exact=False)))
        return {
            "clips": len(clips),
            "clips_from": self.request.material.described("evaluation"),
            "reference": "encoder and decoder one after the other",
            "pictures": form,
            "distinct_top5_pairs": round(distinct_pairs(expected), 3),
            "ir": exact.as_dict(),
            "ir_default": default.as_dict() | {"computes_in": compare.default_precision()},
        }


def _outputs(probabilities: F32) -> RuntimeOutputs:
    # These networks have no second output; a constant one takes part in no comparison.
    return RuntimeOutputs(probabilities, np.zeros((len(probabilities), 1), np.float32))


def _difference(expected: F32, got: F32) -> float:
    return compare.difference(_outputs(expected), _outputs(got)).logit_error


def sha384_of(path: Path) -> str:
    """Return a file's SHA-384 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha384").hexdigest()


def _digests(files: Sequence[PublishedIr]) -> str:
    return ", ".join(f"{file.name} {file.sha384}" for file in files)
