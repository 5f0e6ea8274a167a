"""The decision rules: from an interval and its thresholds to a label. Pure functions, no data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from combined_care.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

Label = Literal[
    "supported_strongly",
    "supported",
    "fragile",
    "not_demonstrated_informative",
    "not_demonstrated_imprecise",
    "contradicted",
    "insufficient",
    "not_testable",
]

#: What each label means for a claim of superiority, in the words that reports print.
MEANING: dict[Label, str] = {
    "supported_strongly": (
        "the interval and the prediction interval exclude no effect, nearly all other defensible "
        "analyses agree, and the certainty of the evidence is high enough"
    ),
    "supported": "the confidence interval excludes no effect in the claimed direction",
    "fragile": (
        "the confidence interval excludes no effect in the claimed direction, but the removal of "
        "one trial, or a large share of other defensible analyses, changes that"
    ),
    "not_demonstrated_informative": (
        "the confidence interval includes no effect and excludes an advantage large enough to "
        "matter"
    ),
    "not_demonstrated_imprecise": (
        "the evidence does not settle the claim: the confidence interval leaves open both that "
        "it holds and that it does not"
    ),
    "contradicted": "the evidence excludes what the claim says",
    "insufficient": "too few trials with usable numbers for a verdict",
    "not_testable": "trials of this kind cannot test the claim",
}

#: What a label means where the kind of claim makes a difference.
_MEANING_BY_KIND: dict[tuple[str, Label], str] = {
    ("meaningful", "supported"): (
        "the whole confidence interval lies above the smallest effect of interest"
    ),
    ("equivalence", "supported"): (
        "both one-sided tests exclude a difference as large as the smallest effect of interest"
    ),
    ("moderator", "supported"): "the omnibus test of the moderator is significant",
    ("moderator", "not_demonstrated_informative"): (
        "the omnibus test is not significant, and differences large enough to matter are excluded"
    ),
    ("moderator", "not_demonstrated_imprecise"): (
        "the omnibus test is not significant, and differences large enough to matter remain open"
    ),
    ("moderator", "insufficient"): "too few levels with enough trials for a test",
    ("uncertainty", "supported"): (
        "the claim that the evidence is mixed holds: no named group is supported strongly, and "
        "at least one is below supported"
    ),
    ("uncertainty", "contradicted"): (
        "the evidence is not mixed: every named group is supported, or one of them strongly"
    ),
}


#: Labels whose name for readers is not the label itself.
_NAMES: dict[Label, str] = {
    "supported_strongly": "supported strongly",
    "not_demonstrated_informative": "not demonstrated (a worthwhile gain is unlikely)",
    "not_demonstrated_imprecise": "not demonstrated (too imprecise to tell)",
    "insufficient": "insufficient evidence",
    "not_testable": "not testable",
}


def label_words(label: Label) -> str:
    """Name a label for readers.

    Examples
    --------
    >>> label_words("supported"), label_words("insufficient")
    ('supported', 'insufficient evidence')
    """
    return _NAMES.get(label, label)


def without_grade(label: str) -> str:
    """Return what the interval alone says: strong and fragile support are both support.

    Examples
    --------
    >>> without_grade("fragile"), without_grade("contradicted")
    ('supported', 'contradicted')
    """
    return "supported" if label in {"supported_strongly", "fragile"} else label


def meaning(label: Label, kind: str) -> str:
    """Say what a label means for a kind of claim.

    Examples
    --------
    >>> meaning("supported", "moderator")
    'the omnibus test of the moderator is significant'
    """
    return _MEANING_BY_KIND.get((kind, label), MEANING[label])


#: A claim stands as far as its weakest decisive analysis: the order in which labels prevail.
_PREVAILS: tuple[Label, ...] = (
    "contradicted",
    "not_demonstrated_informative",
    "not_demonstrated_imprecise",
    "insufficient",
    "fragile",
    "supported",
    "supported_strongly",
)


def superiority(ci_lb: float, ci_ub: float, smallest_effect: float | None) -> Label:
    """Judge "combined is better" from the confidence interval.

    Parameters
    ----------
    ci_lb, ci_ub : float
        Confidence interval; positive favours combined treatment.
    smallest_effect : float or None
        Smallest effect of interest on the same scale; None when there is none on that scale.

    Returns
    -------
    str
        ``supported``, ``contradicted`` or one of the two ``not_demonstrated`` labels.

    Examples
    --------
    >>> superiority(0.1, 0.5, 0.24), superiority(-0.1, 0.2, 0.24), superiority(-0.1, 0.5, 0.24)
    ('supported', 'not_demonstrated_informative', 'not_demonstrated_imprecise')
    """
    _check_interval(ci_lb, ci_ub)
    if ci_lb > 0:
        return "supported"
    if ci_ub < 0:
        return "contradicted"
    if smallest_effect is not None and ci_ub < smallest_effect:
        return "not_demonstrated_informative"
    return "not_demonstrated_imprecise"


def meaningful(ci_lb: float, ci_ub: float, smallest_effect: float) -> Label:
    """Judge "combined is better by enough to matter": the lower limit against the threshold.

    Examples
    --------
    >>> meaningful(0.3, 0.6, 0.24), meaningful(0.1, 0.6, 0.24), meaningful(0.05, 0.2, 0.24)
    ('supported', 'not_demonstrated_imprecise', 'not_demonstrated_informative')
    """
    _check_interval(ci_lb, ci_ub)
    if ci_lb > smallest_effect:
        return "supported"
    if ci_ub < 0:
        return "contradicted"
    if ci_ub < smallest_effect:
        return "not_demonstrated_informative"
    return "not_demonstrated_imprecise"


def equivalence(
    inner: tuple[float, float], outer: tuple[float, float], smallest_effect: float
) -> Label:
    """Judge "a single treatment is enough" by two one-sided tests at the smallest effect.

    Parameters
    ----------
    inner : tuple of float
        Interval of level ``1 - 2 * alpha`` (90 % for alpha = 0.05): both tests are significant
        when it lies within plus and minus the smallest effect (Schuirmann 1987).
    outer : tuple of float
        The usual interval of level ``1 - alpha``: the claim is contradicted when it lies beyond.
    smallest_effect : float
        Bound of equivalence.

    Returns
    -------
    str
        ``supported``, ``contradicted`` or ``not_demonstrated_imprecise``.

    Examples
    --------
    >>> equivalence((-0.1, 0.2), (-0.15, 0.25), 0.24), equivalence((0.3, 0.5), (0.26, 0.54), 0.24)
    ('supported', 'contradicted')
    """
    _check_interval(*inner)
    _check_interval(*outer)
    if -smallest_effect < inner[0] and inner[1] < smallest_effect:
        return "supported"
    if outer[0] > smallest_effect or outer[1] < -smallest_effect:
        return "contradicted"
    return "not_demonstrated_imprecise"


def moderator(
    p_value: float,
    alpha: float,
    differences: Iterable[tuple[float, float]],
    smallest_effect: float | None,
) -> Label:
    """Judge "the effect depends on ..." by the omnibus test of the moderator.

    Parameters
    ----------
    p_value : float
        Of the Knapp-Hartung F test with one common tau2.
    alpha : float
        Significance level.
    differences : iterable of tuple of float
        Intervals of the differences between any two levels.
    smallest_effect : float or None
        A difference that would matter.

    Returns
    -------
    str
        ``supported`` when the test is significant; otherwise informative when every difference
        large enough to matter is excluded, imprecise when not.

    Examples
    --------
    >>> moderator(0.2, 0.05, [(-0.1, 0.2)], 0.24), moderator(0.2, 0.05, [(-0.1, 0.4)], 0.24)
    ('not_demonstrated_informative', 'not_demonstrated_imprecise')
    """
    if p_value < alpha:
        return "supported"
    if smallest_effect is not None and all(
        -smallest_effect < low and high < smallest_effect for low, high in differences
    ):
        return "not_demonstrated_informative"
    return "not_demonstrated_imprecise"


def graded(
    label: Label,
    *,
    survives: bool,
    agree: float | None,
    predicted: bool,
    certain: bool,
    thresholds: tuple[float, float],
) -> Label:
    """Say how firmly a claim is supported; every other label stays as it is.

    Parameters
    ----------
    label : str
        By the interval or the omnibus test alone.
    survives : bool
        Whether no single trial's removal changes it.
    agree : float or None
        Share of defensible analyses that say the same; None where that is not known.
    predicted : bool
        Whether the prediction interval excludes no effect.
    certain : bool
        Whether the certainty of the evidence is high enough.
    thresholds : tuple of float
        Share below which the claim is fragile, and share needed for strong support.

    Returns
    -------
    str
        ``fragile``, ``supported`` or ``supported_strongly`` for a supported claim.

    Examples
    --------
    >>> rest = dict(survives=True, predicted=True, certain=True, thresholds=(2 / 3, 0.9))
    >>> graded("supported", agree=0.95, **rest), graded("supported", agree=0.5, **rest)
    ('supported_strongly', 'fragile')
    """
    if label != "supported":
        return label
    fragile_below, strong_from = thresholds
    if not survives or (agree is not None and agree < fragile_below):
        return "fragile"
    strong = agree is not None and agree >= strong_from and predicted and certain
    return "supported_strongly" if strong else "supported"


def uncertainty(labels: Iterable[Label]) -> Label:
    """Judge "the evidence is mixed": holds unless a disorder is strong or all are supported.

    Parameters
    ----------
    labels : iterable of str
        The label of each named disorder.

    Examples
    --------
    >>> uncertainty(["supported", "insufficient"]), uncertainty(["supported", "supported"])
    ('supported', 'contradicted')
    """
    found = list(labels)
    strong = "supported_strongly" in found
    below = any(_PREVAILS.index(label) < _PREVAILS.index("supported") for label in found)
    return "supported" if below and not strong else "contradicted"


def weakest(labels: Iterable[Label]) -> Label:
    """Combine the labels of decisive analyses: the claim stands as far as its weakest part.

    Examples
    --------
    >>> weakest(["supported", "insufficient"]), weakest(["insufficient", "contradicted"])
    ('insufficient', 'contradicted')
    """
    found = list(labels)
    if not found:
        message = "no decisive analysis to combine"
        raise InputError(message)
    return min(found, key=_PREVAILS.index)


def _check_interval(low: float, high: float) -> None:
    if not low <= high:
        message = f"an interval needs its lower limit first; got {low} and {high}"
        raise InputError(message)
