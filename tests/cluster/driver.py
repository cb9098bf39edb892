"""`slowfast-live analyze --cluster` with short parts, as a program of its own that a test can kill.

Arguments: those of `analyze`.
"""

import sys

from slowfast_live import cli
from slowfast_live.cluster import engine

engine.PART_S = 4.0
sys.exit(cli.main(["analyze", "--model", "tiny_short-fp32", "--stride", "0.25", *sys.argv[1:]]))
