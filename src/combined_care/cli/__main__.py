"""``python -m combined_care.cli`` is the command ``combined-care``."""

from __future__ import annotations

import sys

from combined_care.cli import main

if __name__ == "__main__":
    sys.exit(main())
