"""A build program for detectors that builds nothing: `fake_detector_build.py KIND NAME ... --output DIR`.

KIND: "well" copies a description, "fails" says why it cannot, "hangs" waits for its end.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from slowfast_live.people.spec import DETECTOR_FILE, DETECTOR_IR, DETECTOR_WEIGHTS, DetectorSpec, encode_detector


def say(step: str, fraction: float, message: str) -> None:
    sys.stdout.write(json.dumps({"step": step, "model": "x", "fraction": fraction, "message": message}) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("name")
    parser.add_argument("--progress")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    options = parser.parse_args()
    say("download", 0.5, "1.8 of 3.7 MB")
    if options.kind == "hangs":
        time.sleep(600)
    if options.kind == "fails":
        say("failed", 0.0, "The server does not answer. Try again later.")
        sys.exit(1)
    stem = options.checkpoint.stem if options.checkpoint else options.name
    folder = options.output / f"person_detector-{stem}"
    folder.mkdir(parents=True)
    spec = DetectorSpec(name=folder.name, title=stem.upper(), format="yolox", height=416, width=416)
    (folder / DETECTOR_FILE).write_bytes(encode_detector(spec))
    for name in (DETECTOR_IR, DETECTOR_WEIGHTS):
        (folder / name).write_bytes(b"network")
    say("done", 1.0, f"{folder} is ready.")


if __name__ == "__main__":
    main()
