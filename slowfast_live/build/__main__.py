"""`python -m slowfast_live.build`: the same as build_models.py."""

import sys

from slowfast_live.build.cli import main

if __name__ == "__main__":
    sys.exit(main())
