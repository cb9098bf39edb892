"""What all parts of the command line share: the name of the program, and how it says a mistake."""

from __future__ import annotations

import logging
import sys

from slowfast_live.errors import SlowFastLiveError
from slowfast_live.text_safety import visible

PROGRAM = "slowfast-live"
MISTAKE = 2
"""Exit code for what the user can mend."""


def complain(error: SlowFastLiveError) -> None:
    """Write one line about an error to standard error, its details to the log."""
    logging.getLogger(__name__).info("Details: %s", error.details)
    sys.stderr.write(f"{PROGRAM}: {visible(' '.join(error.message.split()))}\n")
