"""`fake_check.py KIND`: a measurement that measures nothing. KIND: "well", "nothing", "fails", "hangs", "400"."""

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
        {"title": "Tiny · FP32", "device": "CPU", "clip_ms": 12.34, "per_s": 81.0, "execution_precision": "bf16"},
        {"title": "Tiny · FP32", "device": "GPU", "failure": "It does not run there."},
    ]
    if kind == "400":  # INT8 is the faster one, and not faithful
        forms = (("int8", 8.0, 0.5), ("fp16", 12.5, 1.0))
        measured = [
            {
                "title": f"X3D-S {p}",
                "model": f"x3d_s-{p}",
                "device": "CPU",
                "clip_ms": ms,
                "per_s": 1000 / ms,
                "faithful": f,
            }
            for p, ms, f in forms
        ]
    best = {"model": "tiny_trained-fp32", "title": "Tiny · FP32", "device": "CPU", "reason": "7 actions."}
    say(step="done", message="", recommendation=best if kind == "well" else None, candidates=measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
