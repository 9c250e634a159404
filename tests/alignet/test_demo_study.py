"""The demo where people's judgments cannot be had: as many photographs as packages bring."""

from dataclasses import replace

import numpy as np
import pytest

from isomorph.alignet._demo_study import study_without_people
from isomorph.alignet._study_run import StudyRun
from isomorph.alignment import FittedTransform
from isomorph.benchmarks import load_stimuli
from isomorph.store import Store


def test_the_demo_without_people_has_questions_for_its_held_out_pictures(tmp_path):
    if len(load_stimuli("packaged-photographs")) < 12:
        pytest.skip("needs the photographs of foolbox or scikit-image: make test installs them")
    store = Store(tmp_path / "store")
    study = study_without_people(tmp_path / "out", store, None)
    run = StudyRun(study, store, None)
    weights = FittedTransform.load(study.teacher.transform).weights
    assert np.allclose(np.linalg.eigvalsh(weights)[-5:], [0.1, 0.3, 0.3, 0.3, 0.3])
    few = StudyRun(replace(study, triplets=replace(study.triplets, train=50, validation=50)), store, None)
    for split in ("train", "held_out"):
        table, _ = few.asked.labelled("alignet", split)
        assert len(table) == 50
    assert max(study.evaluation.neighbours) < len(run.held_out)
