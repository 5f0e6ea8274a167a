"""Small invented files for the notebooks, written where nothing of anybody's is touched."""

from __future__ import annotations

import tempfile
from pathlib import Path

#: Three invented trials in the Metapsy data standard; the last row lacks a standard deviation.
_METAPSY = """\
study,condition_arm1,condition_arm2,outcome_type,instrument,rating,mean_arm1,sd_arm1,n_arm1,\
mean_arm2,sd_arm2,n_arm2,year
"Invented, 2001",cbt + ssri,ssri,msd,hdrs,clinician,9.1,6.0,40,12.4,6.3,41,2001
"Invented, 2008",cbt + ssri,ssri,msd,hdrs,clinician,10.2,5.5,62,11.9,5.8,60,2008
"Invented, 2015",ipt + ssri,ssri,msd,hdrs,clinician,8.8,6.1,55,11.0,6.4,57,2015
"Invented, 2019",cbt + ssri,ssri,msd,hdrs,clinician,9.9,,30,10.1,5.9,31,2019
"""
#: Two invented trials, one row an arm.
_ARMS = """\
Study;Group;N;Mean;SD
Invented 2003;both;35;10,1;5,2
Invented 2003;drug;33;12,6;5,9
Invented 2011;both;80;9,4;6,1
Invented 2011;drug;78;11,2;6,0
"""


def scratch_file(name: str) -> str:
    """Return the path of a file in a new temporary folder, to try something out.

    Parameters
    ----------
    name : str
        Name of the file; it is not made.

    Returns
    -------
    str
        The path.
    """
    return str(Path(tempfile.mkdtemp(prefix="combined-care-")) / name)


def metapsy_example() -> str:
    """Write an invented file in the Metapsy data standard, with one row that cannot be used.

    Returns
    -------
    str
        Its path.
    """
    return _written("metapsy.csv", _METAPSY)


def arms_example() -> str:
    """Write an invented table with one row an arm, semicolons and decimal commas.

    Returns
    -------
    str
        Its path.
    """
    return _written("arms.csv", _ARMS)


def _written(name: str, content: str) -> str:
    path = scratch_file(name)
    Path(path).write_text(content, encoding="utf-8")
    return path
