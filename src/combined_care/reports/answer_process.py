"""The process that makes the page of one answer.

``python -m combined_care.reports.answer_process`` reads the pickled arguments of
:func:`combined_care.reports.answers.build` from standard input and writes the page to standard
output. A script need not be importable for this, as it must be for the processes of
:mod:`combined_care.reports.workers`.
"""

from __future__ import annotations

import pickle
import sys

from combined_care.errors import CombinedCareError

#: Exit status when standard error holds a message for the user.
SAID = 3


def main() -> int:
    """Make the page; a problem that a user can mend is a message, not a traceback."""
    # jsonschema would parse the grammar of web addresses, which takes longer than the page; the
    # schema of notebooks names no address.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    arguments = pickle.loads(sys.stdin.buffer.read())
    from combined_care.reports import answers  # noqa: PLC0415

    try:
        page = answers.build(*arguments)
    except (CombinedCareError, OSError) as error:
        print(error, file=sys.stderr)
        return SAID
    sys.stdout.buffer.write(page.encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
