"""The 92 photographs that human and monkey IT were first compared on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.benchmarks._geometry_match import GeometryMatch
from isomorph.benchmarks._target import Target

_DATASET = "kriegeskorte-92"
_HUMAN = "Kriegeskorte, Mur, Ruff, Kiani, Bodurka, Esteky, Tanaka & Bandettini (2008). Neuron 60, 1126-1141."
_MONKEY = "Kiani, Esteky, Mirpour & Tanaka (2007). Journal of Neurophysiology 97, 4296-4309; " + _HUMAN
_JUDGED = "Mur, Meys, Bodurka, Goebel, Bandettini & Kriegeskorte (2013). Frontiers in Psychology 4:128."


def kriegeskorte_92() -> GeometryMatch:
    """Human IT (4 people, 2 sessions each), monkey IT (674 cells, pooled) and the judgments of 16 people, on 92 photographs."""
    from isomorph import data
    from isomorph.stimuli import Stimuli

    supplement = data.read_mat(data.path(_DATASET, "Kriegeskorte_Neuron2008_supplementalData.mat"))
    shown = supplement["stimuli_92objs"]
    labels = tuple(str(each["category"]) for each in _records(shown))
    images = np.stack([np.asarray(each["image"], dtype=np.uint8) for each in _records(shown)])
    stimuli = Stimuli.from_arrays(images, ids=_ids(labels), layout="NHWC")
    brain = data.read_mat(data.path(_DATASET, "92_brainRDMs.mat"))["RDMs"]
    judged = data.read_mat(data.path(_DATASET, "92_behavRDMs.mat"))["rdms_behav_92"]
    published = {str(each["name"]): each["RDM"] for each in _records(supplement["RDMs_mIT_hIT_fig1"])}
    return GeometryMatch(
        name=_DATASET,
        summary="92 photographs of bodies, faces, natural and artificial objects",
        stimuli=stimuli,
        labels=labels,
        targets=(_human_it(brain), _monkey_it(published["mIT_674neurons"]), _judgments(judged)),
        citation=_HUMAN,
        licence="MIT (repository)",
    )
