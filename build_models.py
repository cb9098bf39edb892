"""Build the models that SlowFast Live runs: `python build_models.py --help`."""

import sys

from slowfast_live.tools.convert.cli import main

if __name__ == "__main__":
    sys.exit(main())
