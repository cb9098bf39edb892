"""`python -m slowfast_live` is `slowfast-live`."""

import sys

from slowfast_live.cli import main

if __name__ == "__main__":
    sys.exit(main())
