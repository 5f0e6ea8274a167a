"""One pre-specified analysis: what it asks of the evidence, and how its result is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from combined_care.estimands import Estimand

Kind = Literal["superiority", "meaningful", "equivalence", "moderator", "uncertainty"]
Role = Literal["decisive", "context"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """One pre-specified analysis of a claim.

    Attributes
    ----------
    kind : str
        How its result becomes a label.
    role : str
        ``decisive``: the verdict rests on it; ``context``: shown beside it.
    group : str
        For claims about several disorders, the one this analysis belongs to.
    moderator, levels
        For moderators, the trial column and the levels that are compared (all when empty).
    """

    id: str
    title: str
    kind: Kind
    role: Role
    estimand: Estimand
    group: str = ""
    moderator: str = ""
    levels: tuple[str, ...] = ()
