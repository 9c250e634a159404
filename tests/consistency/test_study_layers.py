"""Which layer of a model a study reads."""

from dataclasses import replace

import numpy as np
import pytest

from isomorph.consistency import Study
from isomorph.consistency._study_run import feature_units
from isomorph.errors import InputError
from isomorph.models import load_model
from isomorph.stimuli import Stimuli

STIMULI = {"noise": Stimuli.from_arrays(np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8))}
PLAIN = load_model("bundled/pixels")
RECOMMENDED = replace(PLAIN, card=replace(PLAIN.card, name="timm/vit.random-0", layer="norm", pool="cls"))


@pytest.mark.parametrize(
    ("options", "model", "expected"),
    [
        ({}, PLAIN, ("penultimate", "flatten")),
        ({}, RECOMMENDED, ("norm", "cls")),
        ({"pool": "mean"}, RECOMMENDED, ("norm", "mean")),
        ({"layers": {"timm/*": "blocks.3"}}, RECOMMENDED, ("blocks.3", "flatten")),
        ({"layers": {"timm/*": "norm"}}, RECOMMENDED, ("norm", "cls")),
        ({"layers": {"timm/*": "penultimate"}, "pool": "max"}, RECOMMENDED, ("penultimate", "max")),
    ],
)
def test_the_study_rules_then_the_card_then_what_feeds_the_classifier(options, model, expected) -> None:
    study = Study(name="x", models=("bundled/pixels",), datasets=("edges", "silhouettes"), **options)
    (unit,) = feature_units(study, model, STIMULI)
    assert (unit.layer, unit.pool) == expected


def test_a_pool_in_a_file(tmp_path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('name = "x"\nmodels = ["bundled/pixels"]\ndatasets = ["edges", "silhouettes"]\n', encoding="utf-8")
    assert Study.load(path).pool is None
    path.write_text(path.read_text(encoding="utf-8") + 'pool = "cls"\n', encoding="utf-8")
    assert Study.load(path).pool == "cls"
    path.write_text(path.read_text(encoding="utf-8").replace("cls", "sum"), encoding="utf-8")
    with pytest.raises(InputError, match="pool"):
        Study.load(path)
