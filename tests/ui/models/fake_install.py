"""`fake_install.py KIND FOLDER ...`: build tools that are none. KIND: "well", "fails", "waits" for FOLDER/go."""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from slowfast_live.inference.build_tools import MARK, mark_of, python_of


def say(step: str, fraction: float, message: str) -> None:
    sys.stdout.write(json.dumps({"step": step, "fraction": fraction, "message": message}) + "\n")
    sys.stdout.flush()


def main() -> int:
    kind, folder = sys.argv[1], Path(sys.argv[2])
    sys.stderr.write(f"words: {sys.argv[3:]}\n")
    say("install", 0.3, "Downloading torch (200 MB)")
    if kind == "fails":
        say("failed", 0.0, "The build tools could not be installed from the internet: no route to host.")
        return 1
    while kind == "waits" and not (folder / "go").exists():
        time.sleep(0.02)
    python = python_of(folder)
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / MARK).write_text(json.dumps(mark_of()))
    say("done", 1.0, "The build tools are installed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
