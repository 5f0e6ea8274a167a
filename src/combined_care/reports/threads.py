"""One thread a process; imported before numpy, which makes its threads at its own import.

A process of one thread can be forked safely, sums do not depend on how many cores a machine has,
and all cores are busy with other pages anyway.
"""

from __future__ import annotations

import os

for _name in ("OMP", "OPENBLAS", "MKL", "BLIS"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"
