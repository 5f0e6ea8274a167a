"""From the kind of arm and its words to the name of a treatment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from combined_care.errors import DataError, InputError
from combined_care.treatments import load_treatments

WORDS = load_treatments()


def row(experimental="combined", treatment_e="", psychotherapy="cbt", medication="ssri"):
    return SimpleNamespace(
        row_id="t-01", experimental=experimental, comparator="placebo", treatment_e=treatment_e,
        treatment_c="", psychotherapy_class=psychotherapy, medication_class=medication,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "broad", "classes"),
    [
        (row(), "psychotherapy + medication", "cbt + ssri"),
        (row("psychotherapy_plus_placebo"), "psychotherapy + placebo", "cbt + placebo"),
        (row("usual_care"), "usual care", "usual care"),
        (row(psychotherapy="exposure_erp"), "psychotherapy + medication", "exposure + ssri"),
        # The row's words say more exactly which class it was,
        (row(treatment_e="dyn + tca"), "psychotherapy + medication", "psychodynamic + tca"),
        (row(treatment_e="other psy +ssri"), "psychotherapy + medication",
         "other psychotherapy + ssri"),
        (row("placebo", "pla + other ctr"), "placebo + attention control",
         "placebo + attention control"),
        (row("pharmacotherapy_plus_psychological_placebo", "other ctr + tca"),
         "medication + attention control", "tca + attention control"),
        # ... "other" gives way to a class that has no word of its own,
        (row(treatment_e="other psy + other pha", psychotherapy="cbasp", medication="maoi"),
         "psychotherapy + medication", "cbasp + maoi"),
        # ... and words that lack a part of the kind of arm do not count.
        (row(treatment_e="other psy"), "psychotherapy + medication", "cbt + ssri"),
    ],
)  # fmt: skip
def test_an_arm_is_named_by_its_parts(found, broad, classes):
    assert WORDS.name(found, "e", "broad") == broad
    assert WORDS.name(found, "e", "classes") == classes


def test_a_class_that_is_not_recorded_has_a_name_only_broadly():
    assert WORDS.name(row(medication=""), "e", "classes") is None
    assert WORDS.name(row(medication=""), "e", "broad") == "psychotherapy + medication"


def test_the_comparator_is_named_too():
    assert WORDS.name(row(), "c", "classes") == "placebo"


def test_unknown_words_are_errors_that_name_the_row():
    with pytest.raises(DataError, match="does not know the word 'yoga' of row t-01"):
        WORDS.name(row(treatment_e="yoga + ssri"), "e", "broad")
    with pytest.raises(DataError, match="the kind of arm 'yoga' of row t-01"):
        WORDS.name(row("yoga"), "e", "broad")
    with pytest.raises(InputError, match="level must be one of broad, classes"):
        WORDS.name(row(), "e", "fine")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("arms: {}\nwords: {}", "missing or unknown: classes"),
        (
            "controls: {}\narms: {a: [talk]}\nclasses: {talk: {x: y}}\nwords: {w: [talk, z]}",
            r"describe: \['w'\]",
        ),
        ("controls: {}\narms: {a: [talk]}\nclasses: {}\nwords: {w: [pill]}", r"describe: \['w'\]"),
    ],
)
def test_a_malformed_vocabulary_is_an_error(tmp_path, text, match):
    path = tmp_path / "treatments.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=match):
        load_treatments(path)
