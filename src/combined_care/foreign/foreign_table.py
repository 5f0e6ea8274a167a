"""What reading somebody else's file gives: usable contrasts, and every row that is not one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from combined_care import markup
from combined_care.foreign.contrast_effects import absence_frame, computed, effect_frame
from combined_care.foreign.own_effects import against_own
from combined_care.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from combined_care.effects import Measure, SmdVariance
    from combined_care.problems import Problem

#: Columns of ``rows`` that our outcome table has too.
TEXT_COLUMNS = (
    "experimental", "comparator", "treatment_e", "treatment_c", "outcome", "outcome_detail",
    "instrument", "rating", "phase", "analysis_set", "tier", "effect_measure",
    "favours_experimental_when", "flags", "source_note",
)  # fmt: skip
NUMBER_COLUMNS = (
    "higher_is_better", "weeks", "baseline_mean_e", "baseline_sd_e", "baseline_mean_c",
    "baseline_sd_c", "mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c", "events_e", "events_c",
    "pct_e", "pct_c", "effect", "ci_low", "ci_high", "se", "derived",
)  # fmt: skip
#: Columns of ``trials`` that our trial table has too, besides the identifier.
TRIAL_COLUMNS = ("label", "year", "doi", "diagnosis", "population", "country", "setting", "notes")


@dataclass(frozen=True, eq=False, kw_only=True)
class ForeignData(Result):
    """A file in another format, read as contrasts of two arms.

    Attributes
    ----------
    path : str
        The file, as it was named.
    format : str
        ``metapsy``, ``revman`` or ``arms``.
    sha256 : str
        Digest of the file's bytes.
    n_rows : int
        Rows of the file, without its header and blank lines. Each stands in ``rows`` (there named
        by its line in ``lines``) or in ``unused``.
    rows : pandas.DataFrame
        One row a usable contrast: ``trial_id, label, year, lines``, then the columns of our
        outcome table (numbers are float64, nan where nothing is reported), then columns of our
        trial table, then the file's further columns as text, under the file's names (``""`` where
        nothing is reported).
    trials : pandas.DataFrame of str
        One row a study: ``trial_id``, the columns of our trial table that the file fills, then
        each of the file's further columns that has one value in every study.
    unused : pandas.DataFrame
        Rows of the file that stand in no contrast: ``line``, ``study``, ``reason`` (all reasons).
    table : pandas.DataFrame of str
        The file as it stood, every cell as text (without rows of another length than the header,
        whose text stands in the reason).
    remarks : tuple of str
        What a reader should know: encoding, studies with like names, the sign of the file's own
        effects.
    problems : tuple of Problem
        Every cell that should be a number and is none.
    """

    caption: ClassVar[str] = "Rows of the file that cannot be used"

    path: str
    format: str
    sha256: str
    n_rows: int
    rows: pd.DataFrame
    trials: pd.DataFrame
    unused: pd.DataFrame
    table: pd.DataFrame
    remarks: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def file(self) -> str:
        """Name of the file, without its folder."""
        return Path(self.path).name

    def __str__(self) -> str:
        return (
            f"{self.file} ({self.format}): {_count(self.n_rows, 'row')} give "
            f"{_count(len(self.rows), 'usable contrast')} of {_count(len(self.trials), 'trial')}; "
            f"{_count(len(self.unused), 'row')} not used"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON types; a number that is not reported is null."""
        numbers = self.rows.astype(object).where(self.rows.notna(), None)
        return Result.to_dict(replace(self, rows=numbers))

    @classmethod
    def from_json(cls, document: str) -> Self:
        """Read what :meth:`to_json` wrote; null becomes nan again."""
        read = super().from_json(document)
        return replace(read, rows=read.rows.astype(dict.fromkeys(NUMBER_COLUMNS, float)))

    def to_frame(self) -> pd.DataFrame:
        """Return the usable contrasts (a copy of ``rows``)."""
        return self.rows.copy()

    def _repr_html_(self) -> str:
        remarks = "".join(markup.paragraph(remark) for remark in self.remarks)
        header = tuple(self.unused.columns)
        cells = self.unused.itertuples(index=False, name=None)
        listed = markup.table(header, cells, caption=self.caption) if len(self.unused) else ""
        return markup.paragraph(str(self)) + remarks + listed

    def effects(
        self,
        outcome: str | None = None,
        *,
        measure: Measure | None = None,
        variance: SmdVariance = "LS",
    ) -> pd.DataFrame:
        """Compute the effect of each contrast.

        Parameters
        ----------
        outcome : str, optional
            Only contrasts with this word in ``outcome``.
        measure : str, optional
            One measure for all: ``SMD`` takes means, changes, a reported g, and (converted by
            Chinn's method and marked) events; ``OR`` and ``RR`` take events or a reported ratio.
            By default each contrast's own: SMD of means, OR of events, and for a reported effect
            the measure that was reported.
        variance : str
            Formula of the variance of g; see :func:`combined_care.effects.smd_variance`.

        Returns
        -------
        pandas.DataFrame
            The columns of ``rows`` and ``measure, yi, vi, converted, derivation``. ``yi > 0``
            favours the experimental arm (arm 1 of the file); ratios are logs; ``vi`` is the
            variance. :meth:`without_effect` lists the contrasts that are not here.

        Raises
        ------
        InputError
            If the outcome or the measure is unknown.
        """
        return effect_frame(self.rows, computed(self.rows, outcome, measure, variance))

    def without_effect(
        self, outcome: str | None = None, *, measure: Measure | None = None
    ) -> pd.DataFrame:
        """List the usable contrasts that give no effect: ``lines``, ``label``, ``reason``.

        Parameters are those of :meth:`effects`. Two arms without events, for instance, say
        nothing about a ratio.
        """
        return absence_frame(self.rows, computed(self.rows, outcome, measure))

    def against_file(self, *, tolerance: float = 1e-6) -> pd.DataFrame:
        """Compare our effects with those that the file brings along (``.g``, ``.g_se``).

        Parameters
        ----------
        tolerance : float
            Largest difference, in g and in its standard error, that counts as agreement.

        Returns
        -------
        pandas.DataFrame
            One row a contrast: ``lines, label``; ``yi, sei`` as we compute them (exact
            correction, variance LS); ``yi_as_file, sei_as_file`` by the formulas of the tools
            that made the file; ``g_file, g_se_file``; ``sign`` (``same`` or ``opposite`` as
            ours); ``agrees`` (the numbers of the same formulas agree, up to one sign for the
            whole file); ``why`` not, or the remark that the sign is turned. Without such columns
            in the file: no row.
        """
        return against_own(self.rows, tolerance)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
