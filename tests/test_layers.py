"""The arrow of imports: a module may use its own line of this table and the lines above it."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1] / "src" / "combined_care"

#: From the bottom to the top. A package counts as one module.
LAYERS = {
    "foundations": "errors paths markup scales results problems replacing review",
    "numbers": (
        "effects conversions overlap event_rates translation inputs tau2 inference heterogeneity"
        " pooling caveats synthesis crosscheck mixed_model cluster_robust coefficient_tests design"
        " residual_variation regression level_means level_tests moderators covariance"
        " dependence egger small_study trim_fill step_selection sensitivity influence_measures"
        " fragility bayes comparator_rates information_size"
    ),
    "numbers, many at once": (
        "draws small_study_many step_selection_many mixed_many level_means_many levels_robust_many"
    ),
    "networks": (
        "network_data network_effect network_fit network_inconsistency ranking network"
        " component_names components"
    ),
    "tables of data": "tabular intervals checks schema changes importer drafts addition new_trial",
    "evidence": (
        "contrasts estimands selection rows query severity evidence"
        " treatments trial_arms evidence_network foreign"
    ),
    "claims": (
        "analyses decisions certainty certainty_criteria certainty_overrides choices claims"
        " claim_labels robustness ledger"
    ),
    "findings": (
        "findings level_findings labels reasons certainty_domains certainty_moderators"
        " certainty_assessment"
    ),
    "multiverse": (
        "cell_effects variants spec_design spec_data spec_pooled spec_moderators spec_fits"
        " spec_labels specifications dask_runner spec_resampling multiverse_table"
    ),
    "verdicts": (
        "verdicts landscape network_claims fitted_networks network_verdicts summary_rows"
        " findings_summary published_map differences literature relabelling removals further_trial"
        " people_needed tipping release_changes releases verification own_question"
        " preview_records trial_preview"
    ),
    "display": "anchors figures figure_tables tables",
    "exports": "exports",
    "reports": "reports readme data_dictionary review_from_file new_review",
    "workbench": "workbench",
    "command line": "cli",
}
RANK = {name: rank for rank, names in enumerate(LAYERS.values()) for name in names.split()}

#: What computes estimates: modules of the package, and libraries.
STATISTICS = {*LAYERS["numbers"].split(), "decisions", "findings", "landscape", "verdicts"}
#: Functions among them that compute nothing: they put a label into words.
WORDS = {"decisions.meaning", "decisions.label_words"}
STATISTICAL_LIBRARIES = {"pymare", "scipy", "statsmodels", "patsy"}


def imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """Yield (dotted module, name or None) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: import by the full name"
            yield from ((node.module or "", alias.name) for alias in node.names)


def own_module(dotted: str, name: str | None) -> str | None:
    """Return which module of the package an import takes, None for another package's."""
    parts = dotted.split(".")
    if parts[0] != PACKAGE.name:
        return None
    if len(parts) > 1:
        return parts[1]
    return name if name in modules() else "__init__"


@cache
def modules() -> dict[str, tuple[Path, ...]]:
    """Return the files of each module; those of a package together, under its name."""
    files: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        files.setdefault(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), []).append(path)
    return {name: tuple(paths) for name, paths in files.items() if name != "__init__"}


def uses(module: str) -> set[str]:
    found = {own_module(*item) for path in modules()[module] for item in imports(path)}
    return {name for name in found if name not in {None, "__init__", module}}


def test_every_module_has_its_line_in_the_table():
    assert set(modules()) - set(RANK) == set()
    assert set(RANK) - set(modules()) == set()


@pytest.mark.parametrize("module", sorted(RANK))
def test_no_arrow_points_back(module):
    assert {name for name in uses(module) if RANK.get(name, 0) > RANK[module]} == set()


def test_no_two_modules_need_each_other():
    """Types named under ``TYPE_CHECKING`` count as well: a cycle of words is a cycle of ideas."""
    order = TopologicalSorter({module: uses(module) for module in modules()})
    order.prepare()  # raises CycleError with the cycle


def names_taken(path: Path) -> Iterator[str]:
    """Yield each name that a file takes from the statistics, as ``module.name``."""
    whole = set()
    for dotted, name in imports(path):
        module = own_module(dotted, name)
        if module in STATISTICS and name not in {None, module}:
            yield f"{module}.{name}"
        elif module in STATISTICS:
            whole.add(module)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) in whole:
            yield f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("module", LAYERS["display"].split())
def test_figures_and_tables_compute_no_statistics(module):
    """They may know classes and constants (capital letters), but no function."""
    files = modules()[module]
    libraries = {dotted.split(".")[0] for path in files for dotted, _ in imports(path)}
    assert libraries & STATISTICAL_LIBRARIES == set()
    taken = {name for path in files for name in names_taken(path)} - WORDS
    assert {name for name in taken if not name.partition(".")[2][:1].isupper()} == set()


def test_a_display_function_that_computed_would_be_seen(tmp_path):
    file = tmp_path / "drawing.py"
    lines = [
        "from combined_care import decisions",
        "from combined_care.synthesis import Synthesis, synthesize",
        "decisions.Label, decisions.decide(1)",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert set(names_taken(file)) == {
        "synthesis.Synthesis",
        "synthesis.synthesize",
        "decisions.Label",
        "decisions.decide",
    }


def test_the_package_itself_imports_nothing_of_its_own_when_loaded():
    assert [item for item in imports(PACKAGE / "__init__.py") if own_module(*item)] == []
