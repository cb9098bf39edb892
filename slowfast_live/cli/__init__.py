"""The command line: without a command the window, else lists and analyses that need no screen."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

from slowfast_live import ending
from slowfast_live.cli.parser import make_parser
from slowfast_live.cli.program import MISTAKE, PROGRAM, complain
from slowfast_live.cli.window import open_window
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.text_safety import take_any_text

__all__ = ["MISTAKE", "PROGRAM", "main", "make_parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0 is success, 2 what the user can mend, 130 Ctrl-C or SIGTERM; a command may have others.
    """
    take_any_text()
    options = make_parser().parse_args(arguments)
    options.words = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    run: Callable[[argparse.Namespace], int] = getattr(options, "run", open_window)
    try:
        with ending.bounded(whole_process=arguments is None):
            return run(options)
    except KeyboardInterrupt:
        return ending.INTERRUPTED
    except SlowFastLiveError as error:
        complain(error)
        return MISTAKE
    except BrokenPipeError:  # `slowfast-live models | head`
        sys.stderr.close()
        return 0
