"""`fake_check.py KIND`: a measurement that measures nothing. KIND: "well", "nothing", "fails", "hangs"."""

import json
import sys
import time


def say(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> int:
    kind = sys.argv[1]
    say(step="measure", message="Tiny on CPU", fraction=0.5)
    if kind == "fails":
        sys.stderr.write("slowfast-live: There is no trained model here.\n")
        return 2
    while kind == "hangs":
        time.sleep(0.05)
    measured = [
        {"title": "Tiny · FP32", "device": "CPU", "clip_ms": 12.34, "per_s": 81.0, "computes_in": "bf16"},
        {"title": "Tiny · FP32", "device": "GPU", "failure": "It does not run there."},
    ]
    best = {"model": "tiny_trained-fp32", "title": "Tiny · FP32", "device": "CPU", "reason": "7 actions."}
    say(step="done", message="", recommendation=best if kind == "well" else None, candidates=measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
