"""The R script repeats a synthesis in metafor, and notices when a number differs."""

from __future__ import annotations

import csv
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from combined_care.errors import InputError
from combined_care.exports.r_script import COMPARED, to_r
from combined_care.results import Absent
from combined_care.synthesis import synthesize

YI = [0.10, 0.30, 0.35, 0.65, 0.45, 0.15]
VI = [0.03, 0.03, 0.05, 0.01, 0.05, 0.02]


def effects(yi=YI, vi=VI) -> pd.DataFrame:
    return pd.DataFrame({
        "trial_id": [f"0{i}" for i in range(len(yi))], "label": ['=Oak "1", 2000'] * len(yi),
        "measure": "SMD", "yi": yi, "vi": vi, "row_ids": [("a-1", "a-2")] * len(yi),
    })  # fmt: skip


@pytest.fixture(scope="module")
def rscript() -> str:
    """R with metafor; R is not needed for anything else, so the test is skipped without it."""
    found = shutil.which("Rscript")
    if found is None:
        pytest.skip("Rscript is not installed, so the script was not run")
    asked = [found, "-e", 'quit(status = !nzchar(system.file(package = "metafor")))']
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("the R package metafor is not installed, so the script was not run")
    return found


MODELS = (
    (6, {}),
    (6, {"method": "DL", "test": "knha-conservative", "pi_df": "k-2", "level": 0.9}),
    (6, {"method": "ML", "test": "knha", "pi_df": "z"}),
    (6, {"method": "SJ", "test": "z", "pi_df": "z"}),
    (6, {"method": "EE", "test": "z"}),
    (2, {"method": "PM", "test": "z", "pi_df": "k-1"}),
    (1, {}),
)
#: One R for all folders; a script that finds a difference ends it with status 1.
EACH = 'for (d in commandArgs(TRUE)) { setwd(d); source("synthesis.R", local = new.env()) }'


def test_metafor_finds_the_same(tmp_path, rscript):
    folders = []
    for number, (k, model) in enumerate(MODELS):
        used = effects(YI[:k], VI[:k])
        fit = synthesize(used["yi"], used["vi"], **model)
        folders.append(str(to_r(used, fit, tmp_path / str(number), title="50 % & more")))
    ran = subprocess.run(
        [rscript, "-e", EACH, *folders], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("numbers agree within 1e-06") == len(MODELS)


def test_a_number_that_differs_ends_the_script_with_an_error(tmp_path, rscript):
    used = effects()
    folder = to_r(used, synthesize(used["yi"], used["vi"]), tmp_path / "out")
    rows = list(csv.reader((folder / "expected.csv").read_text(encoding="utf-8").splitlines()))
    changed = [[n, str(float(v) + 1e-4) if n == "tau2_ci_ub" else v] for n, v in rows[1:]]
    lines = [rows[0], *changed]
    (folder / "expected.csv").write_text("\n".join(map(",".join, lines)) + "\n", encoding="utf-8")
    ran = subprocess.run(
        [rscript, "synthesis.R"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "DIFFERENT: tau2_ci_ub" in ran.stdout


def test_only_numbers_that_exist_are_expected(tmp_path):
    used = effects(YI[:2], VI[:2])
    folder = to_r(used, synthesize(used["yi"], used["vi"], test="z"), tmp_path / "out")
    found = pd.read_csv(folder / "expected.csv")
    assert set(COMPARED) - set(found["quantity"]) == {"pi_lb", "pi_ub", "df"}
    assert np.isfinite(found["value"]).all()


def test_effects_are_written_exactly_and_labels_guarded(tmp_path):
    used = effects()
    fit = synthesize(used["yi"], used["vi"])
    folder = to_r(used, fit, tmp_path / "out")
    found = pd.read_csv(folder / "effects.csv", dtype=str)
    assert found["trial_id"].tolist() == used["trial_id"].tolist()
    assert [float(x) for x in found["yi"]] == YI
    assert [float(x) for x in found["weight"]] == fit.weights.tolist()
    assert set(found["slab"]) == {'\'=Oak "1", 2000'}
    assert set(found["row_ids"]) == {"a-1; a-2"}


def test_a_title_cannot_leave_its_comment(tmp_path):
    used = effects()
    fit = synthesize(used["yi"], used["vi"])
    folder = to_r(used, fit, tmp_path / "out", title='oak\nsystem("rm")\r$x')
    lines = (folder / "synthesis.R").read_text(encoding="utf-8").splitlines()
    assert '# oak system("rm") $x' in lines


def test_a_fit_of_other_effects_is_refused(tmp_path):
    fit = synthesize(YI, VI)
    with pytest.raises(InputError, match="not that of these"):
        to_r(effects(YI[::-1], VI), fit, tmp_path / "out")
    with pytest.raises(InputError, match="not that of these"):
        to_r(effects(YI[:5], VI[:5]), fit, tmp_path / "out")
    with pytest.raises(InputError, match="no trial"):
        to_r(effects(), Absent("no trial"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
