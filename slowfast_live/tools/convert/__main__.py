"""`python -m slowfast_live.tools.convert`: the same as build_models.py, for programs."""

import sys

from slowfast_live.tools.convert.cli import main

if __name__ == "__main__":
    sys.exit(main())
