"""`python -m slowfast_live.tools.docs WHAT`: the parts of the documentation that are made from the program itself.

`structure` draws the picture of the package's rooms, `tables` fills in keys and formats, `pictures` takes pictures of
the window (with `QT_QPA_PLATFORM=offscreen`, or on the current display), `translations` collects and compiles its
texts.
"""

from __future__ import annotations

import argparse
import os
import sys

from slowfast_live import paths
from slowfast_live.tools.docs import structure, tables

STRUCTURE = paths.ROOT / "docs" / "structure.svg"


def main() -> int:
    """Run the command and return its exit status."""
    os.environ["SLOWFAST_LIVE_LANGUAGE"] = "en"  # documents are English
    parser = argparse.ArgumentParser(prog="python -m slowfast_live.tools.docs", description=__doc__)
    parser.add_argument("what", choices=["structure", "tables", "pictures", "translations"])
    parser.add_argument("names", nargs="*", metavar="NAME", help="names of pictures to take; all if none is given")
    options = parser.parse_args()
    what = options.what
    if what == "structure":
        STRUCTURE.write_text(structure.picture(), encoding="utf-8", newline="\n")
    elif what == "tables":
        for path, text in tables.written().items():
            path.write_text(text, encoding="utf-8", newline="\n")
    elif what == "translations":
        from slowfast_live.tools.docs import translations

        translations.update()
    else:
        from slowfast_live.tools.docs import pictures

        pictures.take(options.names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
