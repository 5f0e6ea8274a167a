"""A script and its data that fit the same model in metafor, and fail where the results differ."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from combined_care.errors import InputError
from combined_care.exports.cells import as_cells, exact_csv, sheet_csv
from combined_care.exports.folders import write_folder
from combined_care.results import Absent, is_present
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

#: Largest difference that counts as the same: absolute, or relative for numbers above 1.
TOLERANCE = 1e-6

#: Columns of the effects that the script reads, or that a reader needs to find them again.
_COLUMNS = ("trial_id", "label", "year", "comparator", "measure", "yi", "vi", "n_e", "n_c")
#: Quantities of a synthesis that the script compares.
COMPARED = (
    *("k", "estimate", "se", "stat", "df", "pval", "ci_lb", "ci_ub", "pi_lb", "pi_ub"),
    *("tau2", "tau2_ci_lb", "tau2_ci_ub", "i2", "h2", "q", "q_df", "q_pval"),
)
#: What metafor calls the tests of this package.
_TESTS = {"z": "z", "knha": "knha", "knha-conservative": "adhoc"}

_SCRIPT = Template("""\
# The same synthesis in metafor (https://www.metafor-project.org), checked against expected.csv.
# $title
#
# Run in this folder: Rscript synthesis.R
# Exit status 0: every number agrees within the tolerance; 1: one differs, or the fit failed.
# Positive effects favour the experimental arm; ratios are logarithms.
# Written for metafor 3.8-1, by which it is tested.

suppressPackageStartupMessages(library(metafor))

method <- "$method"
test <- "$test"
level <- $level
pi_df <- "$pi_df"  # degrees of freedom of the prediction interval
tolerance <- $tolerance

effects <- read.csv("effects.csv", colClasses = c(trial_id = "character", slab = "character"),
                    encoding = "UTF-8")
expected <- read.csv("expected.csv", colClasses = c("character", "numeric"))

# Tighter than the defaults, so that two programs can agree to many digits.
careful <- if (method %in% c("ML", "REML")) list(threshold = 1e-12, maxiter = 10000) else
           if (method == "PM") list(tol = 1e-12, maxiter = 10000) else list()
fit <- rma(yi, vi, data = effects, slab = make.unique(slab), method = method, test = test,
           level = 100 * level, control = careful)
print(fit)

found <- list(
  k = fit$$k, estimate = fit$$beta[1], se = fit$$se, stat = fit$$zval, pval = fit$$pval,
  ci_lb = fit$$ci.lb, ci_ub = fit$$ci.ub, q = fit$$QE, q_df = fit$$k - 1, q_pval = fit$$QEp,
  i2 = fit$$I2, h2 = fit$$H2
)
if (test != "z") found$$df <- fit$$k - 1
if (fit$$k > 1) found$$tau2 <- fit$$tau2
if (method != "EE" && fit$$k > 1) {
  # Q-profile interval. Where no tau2 fits, metafor gives none and the project writes 0 and 0.
  profile <- confint(fit, type = "QP",
                     control = list(tol = 1e-12, maxiter = 10000, tau2.max = $tau2_max))
  found[c("tau2_ci_lb", "tau2_ci_ub")] <- profile$$random["tau^2", c("ci.lb", "ci.ub")]
  found[c("tau2_ci_lb", "tau2_ci_ub")] <- lapply(
    found[c("tau2_ci_lb", "tau2_ci_ub")], function(x) if (is.na(x)) 0 else x)
  # metafor takes t with k - 1 degrees of freedom by default, but the normal distribution under
  # test = "z"; "riley" is t with k - 2. The argument was renamed to predtype after 3.8.
  kind <- switch(pi_df, "k-1" = "t", "k-2" = "riley", "z" = "default")
  if (pi_df == "z" && test != "z") {
    # No version of metafor that was tried pairs the normal distribution with a t test.
    half <- qnorm((1 + level) / 2) * sqrt(fit$$se^2 + fit$$tau2)
    found[c("pi_lb", "pi_ub")] <- fit$$beta[1] + c(-1, 1) * half
  } else {
    renamed <- "predtype" %in% names(formals(utils::getS3method("predict", "rma")))
    how <- setNames(list(kind), if (renamed) "predtype" else "pi.type")
    new <- do.call(predict, c(list(fit), how))
    found[c("pi_lb", "pi_ub")] <- c(new$$pi.lb, new$$pi.ub)
  }
}

expected$$found <- vapply(expected$$quantity, function(name) {
  value <- found[[name]]
  if (is.null(value)) NA_real_ else as.numeric(value)
}, numeric(1))
expected$$difference <- abs(expected$$found - expected$$value) / pmax(1, abs(expected$$value))
weights <- max(abs(weights(fit) - effects$$weight))
print(expected, digits = 8, row.names = FALSE)
cat(sprintf("largest difference of the weights: %.2g %%\\n", weights))

differs <- is.na(expected$$difference) | expected$$difference > tolerance
if (any(differs) || weights > 100 * tolerance) {
  cat("DIFFERENT:", c(expected$$quantity[differs], if (weights > 100 * tolerance) "weights"), "\\n")
  quit(status = 1)
}
cat(sprintf("All %d numbers agree within %g (metafor %s).\\n", nrow(expected), tolerance,
            packageVersion("metafor")))
""")


def to_r(
    effects: pd.DataFrame,
    fit: Synthesis | Absent,
    folder: str | Path,
    *,
    title: str = "",
    force: bool = False,
) -> Path:
    """Write a folder with which anyone can repeat a synthesis in R.

    Parameters
    ----------
    effects : pandas.DataFrame
        The pooled effects, from :meth:`combined_care.evidence.Evidence.effects`.
    fit : Synthesis
        Their synthesis, from :func:`combined_care.synthesis.synthesize`.
    folder : str or pathlib.Path
        Where ``effects.csv``, ``expected.csv`` and ``synthesis.R`` are written.
    title : str
        What was pooled, for the head of the script.
    force : bool
        Replace an earlier export.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InputError
        If nothing was pooled, if `fit` is not that of `effects`, or if the folder is in use.
    OSError
        If the files cannot be written; nothing is left behind then.

    Examples
    --------
    >>> import tempfile
    >>> import combined_care as cc
    >>> effects = cc.load_evidence().effects("efficacy", "pharmacotherapy", "ocd")
    >>> fit = cc.synthesize(effects["yi"], effects["vi"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = to_r(effects, fit, folder, title="Obsessive-compulsive disorder")
    ...     print(*sorted(file.name for file in written.iterdir()))
    MANIFEST.sha256 effects.csv expected.csv synthesis.R
    """
    return write_folder(r_files(effects, fit, title=title), folder, force=force)


def r_files(effects: pd.DataFrame, fit: Synthesis | Absent, *, title: str = "") -> dict[str, str]:
    """Return the files of :func:`to_r` by name, without writing them.

    Raises
    ------
    InputError
        As :func:`to_r`.
    """
    fit = _checked(effects, fit)
    return {
        "effects.csv": sheet_csv(_effects(effects, fit)),
        "expected.csv": exact_csv(_expected(fit)),
        "synthesis.R": _script(fit, title),
    }


def _checked(effects: pd.DataFrame, fit: Synthesis | Absent) -> Synthesis:
    if not isinstance(fit, Synthesis):
        message = f"there is no pooled effect to repeat: {fit.reason}"
        raise InputError(message)
    same = len(effects) == fit.k and np.array_equal(effects["yi"].to_numpy(float), fit.yi)
    if not same or not np.array_equal(effects["vi"].to_numpy(float), fit.vi):
        message = f"the synthesis of {fit.k} studies is not that of these {len(effects)} effects"
        raise InputError(message)
    return fit


def _effects(effects: pd.DataFrame, fit: Synthesis) -> pd.DataFrame:
    shown = effects[[name for name in (*_COLUMNS, "row_ids") if name in effects]]
    return shown.rename(columns={"label": "slab"}).assign(weight=fit.weights)


def _expected(fit: Synthesis) -> pd.DataFrame:
    """Return the numbers that the fit has; infinite degrees of freedom are no number to compare."""
    values: dict[str, Any] = {name: getattr(fit, name) for name in COMPARED}
    rows = [(name, v) for name, v in values.items() if is_present(v) and np.isfinite(v)]
    return as_cells(rows, ("quantity", "value"))


def _script(fit: Synthesis, title: str) -> str:
    upper = fit.tau2_ci_ub if is_present(fit.tau2_ci_ub) else 0.0
    return _SCRIPT.substitute(
        title=" ".join(title.split()) or "A synthesis",
        method="EE" if fit.k == 1 else fit.method,
        test=_TESTS[fit.test],
        level=repr(fit.level),
        pi_df=fit.pi_df,
        tolerance=repr(TOLERANCE),
        tau2_max=repr(max(100.0, 10.0 * upper)),
    )
