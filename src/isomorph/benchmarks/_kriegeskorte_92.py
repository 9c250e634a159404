"""The 92 photographs that human and monkey IT were first compared on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.benchmarks._geometry_match import GeometryMatch
from isomorph.benchmarks._target import Target

_DATASET = "kriegeskorte-92"
_HUMAN = "Kriegeskorte, Mur, Ruff, Kiani, Bodurka, Esteky, Tanaka & Bandettini (2008). Neuron 60, 1126-1141."
_MONKEY = f"Kiani, Esteky, Mirpour & Tanaka (2007). Journal of Neurophysiology 97, 4296-4309; {_HUMAN}"
_JUDGED = "Mur, Meys, Bodurka, Goebel, Bandettini & Kriegeskorte (2013). Frontiers in Psychology 4:128."


def kriegeskorte_92() -> GeometryMatch:
    """Human IT (4 people, 2 sessions each), monkey IT (674 cells, pooled) and the judgments of 16 people, on 92 photographs.

    All files share the published order of the stimuli.
    """
    from isomorph import data
    from isomorph.stimuli import Stimuli

    supplement = data.read_mat(data.path(_DATASET, "Kriegeskorte_Neuron2008_supplementalData.mat"))
    brain = data.read_mat(data.path(_DATASET, "92_brainRDMs.mat"))["RDMs"]
    judged = data.read_mat(data.path(_DATASET, "92_behavRDMs.mat"))["rdms_behav_92"]
    shown = supplement["stimuli_92objs"]
    labels = tuple(each["category"] for each in shown)
    published = {each["name"]: each["RDM"] for each in supplement["RDMs_mIT_hIT_fig1"]}
    return GeometryMatch(
        name=_DATASET,
        summary="92 photographs of bodies, faces, natural and artificial objects",
        stimuli=Stimuli.from_arrays(
            np.stack([each["image"] for each in shown]),
            ids=[f"{number:02d}-{label.replace(' ', '-')}" for number, label in enumerate(labels, start=1)],
            layout="NHWC",
            metadata={"label": labels}
            | {name: [each[name] for each in shown] for name in ("category", "human", "face", "animal", "natural")},
        ),
        labels=labels,
        targets=(
            Target(
                name="human IT",
                kind="brain",
                rdms=np.stack([[_condensed(session["RDM"]) for session in person] for person in brain]),
                subjects=tuple(person[0]["name"].split(" | ")[1] for person in brain),
                citation=_HUMAN,
            ),
            Target(
                name="monkey IT",
                kind="brain",
                rdms=np.asarray(published["mIT_674neurons"], dtype=np.float64)[None, None],
                subjects=("674 cells, two monkeys",),
                citation=_MONKEY,
                note="one RDM over all cells of both monkeys is published.",
            ),
            Target(
                name="human judgments",
                kind="behaviour",
                rdms=np.stack([[_condensed(person["RDM"])] for person in judged]),
                subjects=tuple(person["name"].split(" | ")[1] for person in judged),
                citation=_JUDGED,
            ),
        ),
        citation=_HUMAN,
        licence="MIT (repository)",
    )


def _condensed(square: Any) -> npt.NDArray[np.float64]:
    matrix = np.asarray(square, dtype=np.float64)
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])
