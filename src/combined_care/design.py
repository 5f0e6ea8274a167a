"""From a formula and a table of moderators to a design matrix, or to an error that says what fails.

patsy reads the formula; this module makes sure that no study is dropped silently and that terms
which the studies cannot tell apart are named.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import patsy

from combined_care.errors import InputError
from combined_care.inputs import refuse
from combined_care.results import FloatArray, Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Share of a column's length that its part outside the columns before it must have.
_INDEPENDENT = 1e-10

Value = str | int | float | bool


@dataclass(frozen=True, eq=False, kw_only=True)
class Moderator(Result):
    """One column of the table that a formula uses.

    Attributes
    ----------
    name : str
        Column name.
    values : tuple
        Value of each study.
    categories : tuple of str or None
        Categories in order for a categorical column, which fix the coding of its levels.
    """

    caption = "Moderator"

    name: str
    values: tuple[Value, ...]
    categories: tuple[str, ...] | None

    def __str__(self) -> str:
        return f"{self.name} of {len(self.values)} studies"

    def series(self) -> pd.Series[Any]:
        """Return the column as it was."""
        if self.categories is None:
            return pd.Series(list(self.values))
        return pd.Series(pd.Categorical(list(self.values), categories=list(self.categories)))


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A design matrix of shape (k, p), the names of its columns, and the moderators behind it."""

    matrix: FloatArray
    terms: tuple[str, ...]
    moderators: tuple[Moderator, ...]


def read_design(
    formula: str, data: pd.DataFrame | Mapping[str, Any], labels: Sequence[str]
) -> Design:
    """Build the design matrix of studies.

    Parameters
    ----------
    formula : str
        Right-hand side in patsy's language, such as ``"~ C(diagnosis) + year"``. It sees the
        columns of `data` and ``np``, nothing else.
    data : pandas.DataFrame or mapping of str to sequence
        One row a study, in the order of `labels`; the index plays no part.
    labels : sequence of str
        Study labels.

    Returns
    -------
    Design
        With full column rank.

    Raises
    ------
    InputError
        If the formula cannot be read, a moderator is missing or not finite for some studies (they
        are listed), a category has no study, or terms are aliased (they are named).

    Examples
    --------
    >>> made = read_design("~ C(drug)", {"drug": ["a", "b", "b"]}, ["s1", "s2", "s3"])
    >>> made.terms, made.matrix.tolist()
    (('Intercept', 'C(drug)[T.b]'), [[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    """
    table = pd.DataFrame(data).reset_index(drop=True)
    if len(table) != len(labels):
        message = f"data must have one row per study: got {len(table)} rows for {len(labels)}"
        raise InputError(message)
    used = table[_columns(formula, table)]
    refuse(_missing(used, labels) + _empty_categories(used))
    made = _evaluate(formula, used)
    matrix, terms = np.asarray(made, dtype=float), tuple(made.design_info.column_names)
    refuse(_not_finite(matrix, terms, labels))
    refuse(_aliases(matrix, terms))
    return Design(matrix, terms, tuple(_moderator(used[name]) for name in used))


def rebuild_design(
    formula: str, moderators: Sequence[Moderator], new: pd.DataFrame | Mapping[str, Any]
) -> FloatArray:
    """Code new rows exactly as :func:`read_design` coded the studies.

    Raises
    ------
    InputError
        If `new` lacks a moderator or holds a level that no study has.
    """
    rows = pd.DataFrame(new).reset_index(drop=True)
    lacking = [found.name for found in moderators if found.name not in rows]
    if lacking:
        message = f"new must have the columns {', '.join(lacking)}"
        raise InputError(message)
    labels = [f"row {i}" for i in range(1, len(rows) + 1)]
    refuse(_missing(rows[[found.name for found in moderators]], labels))
    if not moderators:
        return np.ones((len(rows), 1))
    info = _evaluate(formula, pd.DataFrame({m.name: m.series() for m in moderators})).design_info
    try:
        (matrix,) = patsy.build_design_matrices([info], rows, NA_action=_KEEP)
    except patsy.PatsyError as error:
        message = f"new cannot be coded as the studies were: {error}"
        raise InputError(message) from error
    return np.asarray(matrix, dtype=float)


#: Missing values are found and named here; patsy must neither drop nor judge them.
_KEEP = patsy.NAAction(NA_types=[])


def _columns(formula: str, table: pd.DataFrame) -> list[str]:
    """Return the columns of `table` that `formula` names."""
    try:
        description = patsy.ModelDesc.from_formula(formula)
        if description.lhs_termlist:
            message = f"formula must have no left side, as in '~ year'; got {formula!r}"
            raise InputError(message)
        terms = description.rhs_termlist
        trees = [ast.parse(f.code, mode="eval") for term in terms for f in term.factors]
    except (patsy.PatsyError, SyntaxError) as error:
        message = f"formula {formula!r} cannot be read: {error}"
        raise InputError(message) from error
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    # Q("column with spaces") names its column by a string.
    names |= {node.value for node in nodes if isinstance(node, ast.Constant)}  # type: ignore[misc]
    return [column for column in table if column in names]


def _evaluate(formula: str, table: pd.DataFrame) -> Any:
    try:
        with np.errstate(all="ignore"):
            return patsy.dmatrix(
                formula, table, eval_env=patsy.EvalEnvironment([{"np": np}]), NA_action=_KEEP
            )
    except (patsy.PatsyError, ValueError, TypeError) as error:
        message = f"formula {formula!r} cannot be worked out from data: {error}"
        raise InputError(message) from error


def _missing(table: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    problems = []
    for name in table:
        where = np.flatnonzero(table[name].isna())
        if where.size:
            studies = ", ".join(labels[int(i)] for i in where)
            problems.append(f"moderator {name!r} is missing for {studies}")
    return problems


def _empty_categories(table: pd.DataFrame) -> list[str]:
    problems = []
    for name in table:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            present = set(table[name])
            empty = [str(c) for c in table[name].cat.categories if c not in present]
            if empty:
                problems.append(f"moderator {name!r} has levels without studies: {empty}")
    return problems


def _not_finite(matrix: FloatArray, terms: Sequence[str], labels: Sequence[str]) -> list[str]:
    return [
        f"term {terms[j]!r} of {labels[i]} is {matrix[i, j]:g}, expected a finite number"
        for i, j in np.argwhere(~np.isfinite(matrix))
    ]


def _aliases(matrix: FloatArray, terms: Sequence[str]) -> list[str]:
    """Describe every column that is a combination of the columns before it."""
    problems: list[str] = []
    kept: list[int] = []
    for j, term in enumerate(terms):
        length = float(np.linalg.norm(matrix[:, j]))
        if length == 0.0:
            problems.append(f"term {term!r} is zero for every study: no study has that level")
            continue
        scaled = matrix[:, kept] / np.linalg.norm(matrix[:, kept], axis=0)
        weights, *_ = np.linalg.lstsq(scaled, matrix[:, j] / length, rcond=None)
        if np.linalg.norm(matrix[:, j] / length - scaled @ weights) > _INDEPENDENT:
            kept.append(j)
            continue
        sources = [terms[i] for i, w in zip(kept, weights, strict=True) if abs(w) > 1e-8]
        problems.append(f"term {term!r} is aliased: the studies fix it by {', '.join(sources)}")
    return problems


def _moderator(column: pd.Series[Any]) -> Moderator:
    categories = None
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = tuple(column.cat.categories.tolist())
    values = tuple(column.tolist())
    odd = next((value for value in values if not isinstance(value, Value)), None)
    if odd is not None:
        message = (
            f"moderator {column.name!r} must hold numbers, text or true/false; "
            f"got {type(odd).__name__} {odd}"
        )
        raise InputError(message)
    return Moderator(name=str(column.name), values=values, categories=categories)
